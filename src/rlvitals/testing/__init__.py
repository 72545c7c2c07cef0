"""What a plug-in's author inherits to test with."""
