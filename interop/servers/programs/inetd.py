"""Hands each connection to a program as its standard input and output, as inetd does.

`inetd.py PROGRAM [ARGUMENT]…`. Says where it listens.
"""

import socket
import subprocess
import sys


def main():
    program = sys.argv[1:]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
        children = []
        while True:
            connection, _ = listener.accept()
            with connection:
                children.append(subprocess.Popen(
                    program, stdin=connection, stdout=connection, stderr=subprocess.DEVNULL
                ))
            children = [child for child in children if child.poll() is None]


if __name__ == "__main__":
    main()
