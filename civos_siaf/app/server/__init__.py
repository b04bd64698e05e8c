"""The web server of the annotation tool: `launch.serve` starts it, `library.Library` holds its projects.

A request passes `security.Guard`, then a route, then the `desk` of its project; what takes time runs in the
threads of `worker` and `pictures`, never in the event loop.
"""
