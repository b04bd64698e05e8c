"""How the package uses the machine that it runs on."""
