"""ftplib logging in, as the JSON on standard input says."""

import ftplib
import json
import ssl
import sys


def main():
    task = json.load(sys.stdin)
    if task["security"] == "clear":
        ftp = ftplib.FTP()
    else:
        ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=task["ca"]))
    try:
        ftp.connect(task["host"], task["port"], timeout=task["timeout"])
        ftp.login(task["user"], task["password"])
        print("logged in")
    except (ftplib.Error, EOFError, OSError, ValueError) as error:
        print("error:", repr(error))


if __name__ == "__main__":
    main()
