"""The way in: what `import civos_siaf` offers."""
