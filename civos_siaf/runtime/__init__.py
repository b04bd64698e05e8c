"""What every part of the package stands on: devices, files, where the package's own files are."""
