"""A pyftpdlib server: SECURITY USER PASSWORD-FILE CERTIFICATE KEY. Says where it listens."""

import pathlib
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer


def main():
    security, user, password_file, certificate, key = sys.argv[1:]
    home = "/"  # read-only by the permissions below, and nothing is transferred
    authorizer = DummyAuthorizer()
    authorizer.add_user(user, pathlib.Path(password_file).read_text(), home, perm="el")
    authorizer.add_anonymous(home, perm="el")

    class Handler(FTPHandler if security == "plain" else TLS_FTPHandler):
        auth_failed_timeout = 0.1

    Handler.authorizer = authorizer
    if security != "plain":
        Handler.certfile, Handler.keyfile = certificate, key
        Handler.tls_control_required = Handler.tls_data_required = security == "required"

    server = FTPServer(("127.0.0.1", 0), Handler)
    print("listening on 127.0.0.1:%d" % server.socket.getsockname()[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
