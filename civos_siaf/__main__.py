"""python -m civos_siaf COMMAND ... (and torchrun -m civos_siaf COMMAND ...)."""

from civos_siaf.cli.commands import main

if __name__ == "__main__":
    main()
