"""The `compose` engine: the containers of docker-compose.yml, with the real Toxiproxy."""
