import os

raw_env = ["GREETING=from the file"]


def post_fork(server, worker):
    os.environ["HOOK"] = "after the fork"
