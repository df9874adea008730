"""`python -m forkkeeper`: the same door as the console script."""

from forkkeeper.tasks import main

main()
