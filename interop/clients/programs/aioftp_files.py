"""aioftp with files, as the JSON on standard input says. A line `came: …` for each step."""

import asyncio
import json
import pathlib
import ssl
import sys

import aioftp

BLOCK = 1 << 16


async def main():
    task = json.load(sys.stdin)
    security = task["security"]
    context = ssl.create_default_context(cafile=task["ca"])
    if task["tls"]:
        version = ssl.TLSVersion["TLSv" + task["tls"].replace(".", "_")]
        context.minimum_version = context.maximum_version = version
    client = aioftp.Client(ssl=context if security == "implicit TLS" else None)
    await client.connect(task["host"], task["port"])
    if security == "explicit TLS":
        await client.upgrade_to_tls(context)
    await client.login(task["user"], task["password"])
    if security == "implicit TLS":
        await client.command("PBSZ 0", "200")
        await client.command("PROT P", "200")
    for step in task["steps"]:
        try:
            came = await STEPS[step["verb"]](client, step)
            came = "ok" if came is None else came
        except (aioftp.AIOFTPException, OSError, asyncio.TimeoutError) as error:
            came = repr(error)
        print("came:", json.dumps(came), flush=True)
    await client.quit()


async def listing(client, step):
    return [path.name for path, _ in await client.list(step["remote"])]


async def get(client, step):
    offset = step["offset"]
    with open(step["local"], "ab" if offset else "wb") as file:
        async with client.download_stream(step["remote"], offset=offset) as stream:
            async for block in stream.iter_by_block(BLOCK):
                file.write(block)


async def put(client, step):
    offset = step["offset"]
    begin = client.append_stream if step["verb"] == "append" else client.upload_stream
    with open(step["local"], "rb") as file:
        file.seek(offset)
        async with begin(step["remote"], offset=offset) as stream:
            while block := file.read(BLOCK):
                await stream.write(block)


async def cut_get(client, step):
    stream = await client.download_stream(step["remote"])
    await stream.read(100_000)
    await client.abort(wait=False)
    stream.close()
    # That of the transfer, and that to ABOR.
    await client.command(None, "226", "426")


async def cut_put(client, step):
    stream = await client.upload_stream(step["remote"])
    await stream.write(bytes(1 << 20))
    await asyncio.sleep(3600)


async def get_tree(client, step):
    await client.download(step["remote"], pathlib.Path(step["local"]), write_into=True)


async def put_tree(client, step):
    # It takes the last part of an absolute path alone.
    parent, _, name = step["remote"].rpartition("/")
    await client.change_directory(parent)
    await client.upload(pathlib.Path(step["local"]), name, write_into=True)


STEPS = {
    "list": listing, "get": get, "get-rest": get, "put": put, "put-rest": put, "append": put,
    "rename": lambda client, step: client.rename(step["remote"], step["to"]),
    "delete": lambda client, step: client.remove_file(step["remote"]),
    "mkdir": lambda client, step: client.make_directory(step["remote"]),
    "rmdir": lambda client, step: client.remove_directory(step["remote"]),
    "cut-get": cut_get, "cut-put": cut_put, "get-tree": get_tree, "put-tree": put_tree,
}

if __name__ == "__main__":
    asyncio.run(main())
