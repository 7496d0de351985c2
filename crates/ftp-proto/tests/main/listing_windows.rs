//! Listings of Windows, DOS and VMS, machine-readable ones, and lines that are no entries.
//!
//! A listing is given line by line with what comes of each line; see `listing_common::check`. All of it is
//! received on 2024-05-04, at noon.

use crate::listing_common::check;

#[test]
fn windows_and_dos() {
    check(&[
        (
            "04-27-99  12:09PM       <DIR>          Old things",
            "dir \"Old things\" 1999-04-27T12:09:00 minute",
        ),
        (
            "04-27-2011  12:09AM       <DIR>           blank in front",
            "dir \" blank in front\" 2011-04-27T00:09:00 minute",
        ),
        (
            "10-03-21  11:15               734003200 image one.iso",
            "file \"image one.iso\" 734003200 2021-10-03T11:15:00 minute",
        ),
        (
            "2019-09-02  19:06                9,730 year first.txt",
            "file \"year first.txt\" 9730 2019-09-02T19:06:00 minute",
        ),
        (
            "02.09.2019  19:06         1.234.567 mit Punkten.txt",
            "file \"mit Punkten.txt\" 1234567 2019-09-02T19:06:00 minute",
        ),
        (
            "02.09.2019  19:06    <DIR>          Verzeichnis",
            "dir \"Verzeichnis\" 2019-09-02T19:06:00 minute",
        ),
        (
            "05/21/2020  03:34 PM            52,801 pm apart.txt",
            "file \"pm apart.txt\" 52801 2020-05-21T15:34:00 minute",
        ),
        (
            "21/05/2020  15:34            52,801 day first.txt",
            "file \"day first.txt\" 52801 2020-05-21T15:34:00 minute",
        ),
        (
            "04/05/2020  15:34            52,801 so this is the fourth.txt",
            "file \"so this is the fourth.txt\" 52801 2020-05-04T15:34:00 minute",
        ),
        (
            "12-24-20  08:00AM       <JUNCTION>     Docs [C:\\Users\\All Users]",
            "link \"Docs\" 2020-12-24T08:00:00 minute target=C:\\Users\\All Users",
        ),
        (
            "12-24-20  08:00AM       <SYMLINKD>     data -> D:\\data",
            "link \"data\" 2020-12-24T08:00:00 minute target=D:\\data",
        ),
        (
            "12-24-20  08:00AM       <DIR>          .",
            "cdir \".\" 2020-12-24T08:00:00 minute",
        ),
        (
            "              5120      A          02-14-98   10:57  VIEW.EXE",
            "file \"VIEW.EXE\" 5120 1998-02-14T10:57:00 minute",
        ),
        (
            "                 0           DIR   02-14-103  10:57  SUB DIR",
            "dir \"SUB DIR\" 0 2003-02-14T10:57:00 minute",
        ),
        (
            "               700               11-29-94  09:20  SYSLEVEL.TCP",
            "file \"SYSLEVEL.TCP\" 700 1994-11-29T09:20:00 minute",
        ),
        (
            "    2048    MAR-28-2001  05:23:30   LOGS              <DIR>",
            "dir \"LOGS\" 2048 2001-03-28T05:23:30 second",
        ),
        (
            "   65535    MAR-28-2001  05:23:30   BOOT.BIN",
            "file \"BOOT.BIN\" 65535 2001-03-28T05:23:30 second",
        ),
        (
            "20480  Mar 04, 2002 21:06 shell file",
            "file \"shell file\" 20480 2002-03-04T21:06:00 minute",
        ),
        (
            "0  Mar 04, 2002 21:06 shell dir/",
            "dir \"shell dir\" 0 2002-03-04T21:06:00 minute",
        ),
        (
            ".               <DIR>      Nov 16 1994 17:16",
            "cdir \".\" 1994-11-16T17:16:00 minute",
        ),
        (
            "LETTER.DOC      11264      May 11 1995 14:20   A",
            "file \"LETTER.DOC\" 11264 1995-05-11T14:20:00 minute",
        ),
        (
            "PROGS           <DIR>           11-16-94        17:16",
            "dir \"PROGS\" 1994-11-16T17:16:00 minute",
        ),
        (
            "LETTER.TXT            1045      05-10-95        11:01",
            "file \"LETTER.TXT\" 1045 1995-05-10T11:01:00 minute",
        ),
        (
            "LETTER~1.TXT 1164112   11-22-2004  15:34 letter home.txt",
            "file \"letter home.txt\" 1164112 2004-11-22T15:34:00 minute",
        ),
        (
            "config.cfg          2116  03/06/03  Thur.    07:38:50",
            "file \"config.cfg\" 2116 2003-03-06T07:38:50 second",
        ),
        (
            "autoexec.net   4,321  23:30  2/05/93",
            "file \"autoexec.net\" 4321 1993-02-05T23:30:00 minute",
        ),
        (
            "tool     exe     2,563,136 06-10-99  10:00a",
            "file \"tool.exe\" 2563136 1999-06-10T10:00:00 minute",
        ),
        (
            "-wa--        7665  Dec 29,2002   6:56  flags first.pdf",
            "file \"flags first.pdf\" 7665 2002-12-29T06:56:00 minute",
        ),
        (
            "     41622     FW.SYS   Tue Dec 20 06:20:00 1994",
            "file \"FW.SYS\" 41622 1994-12-20T06:20:00 second",
        ),
        (
            "<dir>             LOG   Wed Nov 24 09:35:48 1999",
            "dir \"LOG\" 1999-11-24T09:35:48 second",
        ),
    ]);
}

#[test]
fn vms_on_one_line_and_two() {
    check(&[
        ("Directory DISK$USER:[ANNA.WORK]", "(header)"),
        ("", "(blank)"),
        (
            "REPORT.TXT;3               12/15         4-JUL-1999 07:32:04  [STAFF,ANNA]    (RWED,RWED,RE,)",
            "file \"REPORT.TXT;3\" 6144 1999-07-04T07:32:04 second 0750 owner=ANNA group=STAFF",
        ),
        (
            "OLD.DIR;1                   1  14-FEB-2001 21:41 [ANNA] (RWE,RWE,RE,RE)",
            "dir \"OLD\" 512 2001-02-14T21:41:00 minute 0755 owner=ANNA",
        ),
        (
            "SCAN.DAT;12                30  14-FEB-2001 21:41:09.64",
            "file \"SCAN.DAT;12\" 15360 2001-02-14T21:41:09.64 fraction",
        ),
        ("A_VERY_LONG_NAME_FOR_A_FILE.LIS;2", "(continued)"),
        (
            "                          274   7-DEC-1993 15:54 [STAFF,ANNA] (RWED,RWED,,)",
            "file \"A_VERY_LONG_NAME_FOR_A_FILE.LIS;2\" 140288 1993-12-07T15:54:00 minute 0700 owner=ANNA group=STAFF",
        ),
        (
            "SECRET.KEY;1        %RMS-E-PRV, insufficient privilege or file protection violation",
            "file \"SECRET.KEY;1\"",
        ),
        (
            "NOTIME.TXT;1    2/8    7-JAN-2000    [ANNA]   (RWED,RWED,RE,)",
            "file \"NOTIME.TXT;1\" 1024 2000-01-07T00:00:00 day 0750 owner=ANNA",
        ),
        (
            "ORDER.TXT;1   [ANNA]    1/3     2-AUG-2006 13:05  (RWE,RWE,RE,)",
            "file \"ORDER.TXT;1\" 512 2006-08-02T13:05:00 minute 0750 owner=ANNA",
        ),
        (
            "SPLIT.TXT;1            111/117        17-MAY-1996 19:28:30  [USER,AI26]",
            "file \"SPLIT.TXT;1\" 56832 1996-05-17T19:28:30 second owner=AI26 group=USER",
        ),
        ("   (RWED,RWED,RE,RE)", "(continuation)"),
        (
            "HUGE.ISO;2        ******  6-MAY-2008 09:29 [ANNA] (RE,RWED,RE,RE)",
            "file \"HUGE.ISO;2\" 2008-05-06T09:29:00 minute 0755 owner=ANNA",
        ),
        (
            "[SUB]OTHER.TXT;1 1/3 5-MAR-1993 18:09",
            "file \"[SUB]OTHER.TXT;1\" 512 1993-03-05T18:09:00 minute",
        ),
        (
            "UNIT.TXT;1 2KB 23-SEP-2005 14:57:07.27",
            "file \"UNIT.TXT;1\" 2048 2005-09-23T14:57:07.27 fraction",
        ),
        (
            "*.*;               <%RMS-E-FNF, file not found>",
            "(trailer)",
        ),
        ("", "(blank)"),
        ("Total of 12 Files, 276/300 Blocks.", "(trailer)"),
    ]);
}

#[test]
fn machine_readable_formats() {
    check(&[
        (
            "type=cdir;modify=20240430101112;perm=flcdmpe;unique=801U1;UNIX.mode=0755; /home/anna",
            "cdir \"/home/anna\" 2024-04-30T10:11:12 second 0755 unique=801U1",
        ),
        (
            "type=pdir;modify=20240430101112; ..",
            "pdir \"..\" 2024-04-30T10:11:12 second",
        ),
        (
            "Type=file;Size=1024990;Modify=19980130010322.5;Perm=r;Unique=keVO1+E; with  blanks ;and more ",
            "file \"with  blanks ;and more \" 1024990 1998-01-30T01:03:22.5 fraction unique=keVO1+E",
        ),
        (
            "type=OS.unix=slink:../x;UNIX.ownername=anna;UNIX.owner=501;UNIX.gid=20; link",
            "link \"link\" owner=anna group=20 target=../x",
        ),
        (
            " type=dir;sizd=4096;create=20200101000000; MLST line",
            "dir \"MLST line\" 4096",
        ),
        ("type=file no semicolon", "file \"no semicolon\""),
        (
            "type=file;modify=191000509101112; Y2K",
            "file \"Y2K\" 2000-05-09T10:11:12 second",
        ),
        (
            "+i8388621.48594,m825718503,r,s280,up644\tplain.html",
            "file \"plain.html\" 280 1996-03-01T22:15:03 second 0644 unique=8388621.48594",
        ),
        (
            "+i8388621.50690,m824255907,/,\tdir",
            "dir \"dir\" 1996-02-13T23:58:27 second unique=8388621.50690",
        ),
    ]);
}

#[test]
fn nothing_is_made_of_lines_that_are_no_entries() {
    check(&[
        ("", "(blank)"),
        ("total 5", "(total)"),
        ("insgesamt 12", "(total)"),
        ("./sub:", "(header)"),
        ("------------", "(header)"),
        (
            "ls: cannot access 'x': No such file or directory",
            "(message)",
        ),
        ("226 Transfer complete.", "(trailer)"),
        ("Total of 11 files, 5 blocks.", "(trailer)"),
        ("      2 Dir(s)  12,345,678 bytes free", "(trailer)"),
        ("just_a_name", "(unrecognized)"),
        ("A sentence, which is about nothing.", "(unrecognized)"),
        ("-rw-r--r--", "(unrecognized)"),
        ("drwxr-xr-x 2 root", "(unrecognized)"),
        ("12-24-20  08:00AM", "(unrecognized)"),
        ("type=file;", "(unrecognized)"),
    ]);
}
