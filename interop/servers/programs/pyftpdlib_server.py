"""A pyftpdlib server, as the JSON file that is named says. Says where it listens."""

import json
import pathlib
import sys

from OpenSSL import SSL
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer


def main():
    wanted = json.loads(pathlib.Path(sys.argv[1]).read_text())
    variant = wanted["variant"]
    # Of the whole machine no file can be read.
    home = wanted.get("home")
    home, rights = (home, "elradfmwMT") if home else ("/", "el")
    authorizer = DummyAuthorizer()
    for user, password in wanted["users"].items():
        text = bytes.fromhex(password).decode(errors="surrogateescape")
        authorizer.add_user(user, text, home, perm=rights)
    authorizer.add_anonymous(home, perm="el")

    plain = variant in ("plain", "greeting", "full", "idle")

    class Handler(FTPHandler if plain else TLS_FTPHandler):
        auth_failed_timeout = 0.1

    Handler.authorizer = authorizer
    if wanted["passive_ports"]:
        first, last = wanted["passive_ports"]
        Handler.passive_ports = range(first, last + 1)
    if not plain:
        prepare_tls(Handler, wanted)
    if variant == "greeting":
        Handler.banner = "\r\n".join(wanted["greeting"])
    if variant == "idle":
        Handler.timeout = wanted["idle"]

    server = FTPServer(("127.0.0.1", 0), Handler)
    if variant == "full":
        server.max_cons = 2  # the listening socket counts
    print("listening on 127.0.0.1:%d" % server.socket.getsockname()[1], flush=True)
    server.serve_forever()


def prepare_tls(handler, wanted):
    variant = wanted["variant"]
    handler.certfile, handler.keyfile = wanted["certificate"], wanted["key"]
    handler.tls_control_required = variant in ("required", "certificate")
    handler.tls_data_required = handler.tls_control_required
    context = handler.get_ssl_context()
    version = {"tls12": SSL.TLS1_2_VERSION, "tls13": SSL.TLS1_3_VERSION}.get(variant)
    if version:
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
    if variant == "certificate":
        context.load_verify_locations(wanted["client_ca"])
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    handler.ssl_context = context


if __name__ == "__main__":
    main()
