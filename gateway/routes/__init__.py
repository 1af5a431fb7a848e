"""The gateway's routes, one group a file; each is a function from the services to a blueprint."""
