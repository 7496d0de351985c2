"""An aioftp server, as the JSON file that is named says. Says where it listens."""

import asyncio
import json
import pathlib
import ssl
import sys

import aioftp


async def main():
    wanted = json.loads(pathlib.Path(sys.argv[1]).read_text())
    variant = wanted["variant"]
    users = [aioftp.User()]
    for name, password in wanted["users"].items():
        text = bytes.fromhex(password).decode(errors="surrogateescape")
        home = {"base_path": wanted["home"]} if wanted["home"] else {}
        users.append(aioftp.User(name, text, **home))
    context = None
    if variant in ("implicit", "tls12", "tls13", "files-implicit"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(wanted["certificate"], wanted["key"])
        version = {"tls12": ssl.TLSVersion.TLSv1_2, "tls13": ssl.TLSVersion.TLSv1_3}.get(variant)
        if version:
            context.minimum_version = context.maximum_version = version
    server = aioftp.Server(
        users, ssl=context,
        maximum_connections=1 if variant == "full" else None,
        idle_timeout=wanted["idle"] if variant == "idle" else None,
    )
    await server.start("127.0.0.1", 0)
    print("listening on 127.0.0.1:%d" % server.server_port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
