"""The names of the programs that a plan starts; each server's is its stack's."""

CHANNELS = "channels"
NGINX = "nginx"
VALKEY = "valkey"
