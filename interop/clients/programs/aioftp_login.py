"""aioftp logging in, as the JSON on standard input says."""

import asyncio
import json
import ssl
import sys

import aioftp


async def main():
    task = json.load(sys.stdin)
    security = task["security"]
    context = ssl.create_default_context(cafile=task["ca"])
    client = aioftp.Client(ssl=context if security == "implicit TLS" else None)
    try:
        await client.connect(task["host"], task["port"])
        if security == "explicit TLS":
            await client.upgrade_to_tls(context)
        await client.login(task["user"], task["password"])
        print("logged in at", await client.get_current_directory())
        await client.quit()
    except (aioftp.AIOFTPException, OSError, asyncio.TimeoutError) as error:
        print("error:", repr(error))
        client.close()


if __name__ == "__main__":
    asyncio.run(main())
