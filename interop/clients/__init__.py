"""The clients that log in to `ftp-cli serve`: one module for each, or for a family."""

from clients.aioftp_client import AioftpClient
from clients.basic_ftp import BasicFtp
from clients.curl import Curl
from clients.ftplib_client import Ftplib
from clients.lftp import Lftp
from clients.of_debian import Ncftp, Tnftp, Wget
from clients.rclone import Rclone
from clients.suppaftp import Suppaftp

CLIENTS = (Curl, Lftp, Ftplib, BasicFtp, Suppaftp, AioftpClient, Tnftp, Ncftp, Wget)
# That are tried with files.
WITH_FILES = (*CLIENTS, Rclone)
