"""The servers that our client is tried against: one module for each kind."""

from servers.aioftp import Aioftp
from servers.ftp_srv import FtpSrv
from servers.inetutils import Inetutils
from servers.ours import Ours
from servers.proftpd import Proftpd
from servers.pure_ftpd import PureFtpd
from servers.pyftpdlib import Pyftpdlib
from servers.vsftpd import Vsftpd

KINDS = (Vsftpd, Proftpd, PureFtpd, Pyftpdlib, FtpSrv, Aioftp, Inetutils, Ours)
