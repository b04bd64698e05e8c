"""The annotation tool: a project on disk, the actions of a person, and a method that answers them.

Nothing here imports a network: methods come in from outside, behind `civos_siaf.protocol`.
"""
