"""The annotation tool: project on disk, server, page, exports. It speaks to methods through the protocol only."""
