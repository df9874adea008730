"""What is done before a release: is the package what it says, and does it work? `nox -s package`, `nox -s audit`."""
