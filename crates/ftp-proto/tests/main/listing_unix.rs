//! Listings as `ls -l` writes them, and the servers that imitate it.
//!
//! A listing is given line by line with what comes of each line; see `listing_common::check`. All of it is
//! received on 2024-05-04, at noon.

use crate::listing_common::check;

#[test]
fn ls_of_unix_systems() {
    check(&[
        ("total 24", "(total)"),
        (
            "drwxr-xr-x   5 anna     staff        512 Nov 14  1997 public files",
            "dir \"public files\" 512 1997-11-14T00:00:00 day 0755 owner=anna group=staff",
        ),
        (
            "-rw-r-----   1 anna     staff      48213 May  3 09:07 notes  2.txt",
            "file \"notes  2.txt\" 48213 2024-05-03T09:07:00 minute 0640 owner=anna group=staff",
        ),
        (
            "-rw-r--r--   1 anna     staff         17 May  2 23:59   two blanks in front",
            "file \"  two blanks in front\" 17 2024-05-02T23:59:00 minute 0644 owner=anna group=staff",
        ),
        (
            "-rwsr-sr-t   1 root                 9000 Jun 30  2019 no group",
            "file \"no group\" 9000 2019-06-30T00:00:00 day 7755 owner=root",
        ),
        (
            "-rw-r--r--   1                     12345 Dec 31 08:00 neither owner nor group",
            "file \"neither owner nor group\" 12345 2023-12-31T08:00:00 minute 0644",
        ),
        (
            "-rw-r--r--   1 1001     100            7 Feb 29 10:11 leap day",
            "file \"leap day\" 7 2024-02-29T10:11:00 minute 0644 owner=1001 group=100",
        ),
        (
            "lrwxrwxrwx   1 root     wheel         11 Aug  9  2003 cur -> releases/42",
            "link \"cur\" 11 2003-08-09T00:00:00 day 0777 owner=root group=wheel target=releases/42",
        ),
        (
            "lrwxrwxrwx   1 root     wheel          6 Aug  9  2003 a -> b -> c -> d",
            "link \"a -> b\" 6 2003-08-09T00:00:00 day 0777 owner=root group=wheel target=c -> d",
        ),
        (
            "crw-rw-rw-   1 root     sys        13,  2 Mar  1 00:00 null",
            "other \"null\" 2024-03-01T00:00:00 minute 0666 owner=root group=sys",
        ),
        (
            "brw-r-----   1 root     disk     8,0 Mar  1 00:00 sda",
            "other \"sda\" 2024-03-01T00:00:00 minute 0640 owner=root group=disk",
        ),
        (
            "prw-------   1 root     root           0 Mar  1 00:00 pipe",
            "other \"pipe\" 0 2024-03-01T00:00:00 minute 0600 owner=root group=root",
        ),
        (
            "drwxrwx---+  2 anna     staff       4096 Apr  1 12:00 with acl",
            "dir \"with acl\" 4096 2024-04-01T12:00:00 minute 0770 owner=anna group=staff",
        ),
        (
            "-rw-r--r--.  1 anna     staff       4096 Apr  1 12:00 selinux",
            "file \"selinux\" 4096 2024-04-01T12:00:00 minute 0644 owner=anna group=staff",
        ),
        (
            "-rw-r--r--@  1 anna     staff       4096 Apr  1 12:00 attributes",
            "file \"attributes\" 4096 2024-04-01T12:00:00 minute 0644 owner=anna group=staff",
        ),
        (
            "drwxr-x---+1024 anna     staff       4096 Apr  1 12:00 glued links",
            "dir \"glued links\" 4096 2024-04-01T12:00:00 minute 0750 owner=anna group=staff",
        ),
        (
            "drwx------   3 dave     Domain Users    4096 Apr  1 12:00 group of two words",
            "dir \"group of two words\" 4096 2024-04-01T12:00:00 minute 0700 owner=dave group=Domain Users",
        ),
        (
            "drwx------   3 dave smith     Domain Users    4096 Apr  1 12:00 both of two words",
            "dir \"both of two words\" 4096 2024-04-01T12:00:00 minute 0700 owner=dave smith group=Domain Users",
        ),
        (
            "-rw-r--r--   1 longowner longgroup7340032 Apr  1 12:00 glued size",
            "file \"glued size\" 7340032 2024-04-01T12:00:00 minute 0644 owner=longowner group=longgroup",
        ),
        (
            "-rw-r--r--   1 anna     staff    1,234,567 Apr  1 12:00 grouped size",
            "file \"grouped size\" 1234567 2024-04-01T12:00:00 minute 0644 owner=anna group=staff",
        ),
        (
            "-rw-r--r--   1 anna     staff         4.5K Apr  1 12:00 human size",
            "file \"human size\" 4608 2024-04-01T12:00:00 minute 0644 owner=anna group=staff",
        ),
        (
            "-rw-r--r--   1 anna     staff    99999999999999999999 Apr  1 12:00 size too large",
            "file \"size too large\" 2024-04-01T12:00:00 minute 0644 owner=anna group=staff",
        ),
        (
            " 786433    8 -rw-r--r--   1 anna     staff       4096 Apr  1 12:00 inode and blocks",
            "file \"inode and blocks\" 4096 2024-04-01T12:00:00 minute 0644 owner=anna group=staff",
        ),
        (
            "dr-xr-xr-x  26 anna     staff       1024 Apr  1 12:00 .",
            "cdir \".\" 1024 2024-04-01T12:00:00 minute 0555 owner=anna group=staff",
        ),
        (
            "dr-xr-xr-x  26 anna     staff       1024 Apr  1 12:00 ..",
            "pdir \"..\" 1024 2024-04-01T12:00:00 minute 0555 owner=anna group=staff",
        ),
        (
            "drwxr-xr-x   2 anna     staff        512 Apr  1 12:00 marked/",
            "dir \"marked\" 512 2024-04-01T12:00:00 minute 0755 owner=anna group=staff",
        ),
        (
            "-rw-r--r--   1 anna     staff          5 Apr  1 12:00 AM",
            "file \"AM\" 5 2024-04-01T12:00:00 minute 0644 owner=anna group=staff",
        ),
        (
            "-rw-r--r--   1 anna     staff          5 Apr  1 12:00 2023 plans",
            "file \"2023 plans\" 5 2024-04-01T12:00:00 minute 0644 owner=anna group=staff",
        ),
        (
            "-rw-r--r-- 1 0 0 321 services",
            "file \"services\" 321 0644 owner=0 group=0",
        ),
        (
            "drwxr-xr-x 2 anna staff 512 Xyz 12 10:00 month of no language",
            "dir \"month of no language\" 512 0755 owner=anna group=staff",
        ),
    ]);
}

#[test]
fn dates_of_all_places() {
    check(&[
        (
            "-rw-r--r-- 1 u g 5 2024-04-30 17:05 iso",
            "file \"iso\" 5 2024-04-30T17:05:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 2024-04-30 17:05:09.120000000 -0330 full iso",
            "file \"full iso\" 5 2024-04-30T20:35:09.12 fraction 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 2019-11-07      padded day",
            "file \"padded day\" 5 2019-11-07T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 07-11 2019 month and day",
            "file \"month and day\" 5 2019-07-11T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 07-11 18:20 month, day and time",
            "file \"month, day and time\" 5 2023-07-11T18:20:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 4 30 18:20 numbers",
            "file \"numbers\" 5 2024-04-30T18:20:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 30.04.2024 18:20 with dots",
            "file \"with dots\" 5 2024-04-30T18:20:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 30-apr-24 short",
            "file \"short\" 5 2024-04-30T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 Mar  3 16:45:27 2021 seconds and year",
            "file \"seconds and year\" 5 2021-03-03T16:45:27 second 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 Sep 14, 2021 06:30 comma",
            "file \"comma\" 5 2021-09-14T06:30:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 14 Sep 06:30 day first",
            "file \"day first\" 5 2023-09-14T06:30:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 14. Sept. 2021 German",
            "file \"German\" 5 2021-09-14T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 3. März, 06:30 German",
            "file \"German\" 5 2024-03-03T06:30:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 févr. 14 06:30 French",
            "file \"French\" 5 2024-02-14T06:30:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 dic 14 2021 Italian",
            "file \"Italian\" 5 2021-12-14T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 out 14 2021 Portuguese",
            "file \"Portuguese\" 5 2021-10-14T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 mrt 14 2021 Dutch",
            "file \"Dutch\" 5 2021-03-14T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 14 paź 2021 Polish",
            "file \"Polish\" 5 2021-10-14T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 14 сен 06:30 Russian",
            "file \"Russian\" 5 2023-09-14T06:30:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 Şub 14 06:30 Turkish",
            "file \"Turkish\" 5 2024-02-14T06:30:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 9月 14日 2021年 Japanese",
            "file \"Japanese\" 5 2021-09-14T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 9월 14 06:30 Korean",
            "file \"Korean\" 5 2023-09-14T06:30:00 minute 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 2021년  9월 14일 year first",
            "file \"year first\" 5 2021-09-14T00:00:00 day 0644 owner=u group=g",
        ),
        (
            "-rw-r--r-- 1 u g 5 Feb 30 2021 no such day",
            "file \"no such day\" 5 0644 owner=u group=g",
        ),
    ]);
}

#[test]
fn servers_that_imitate_ls() {
    check(&[
        (
            "d [RW-EF---] carl                              512 Feb 11 07:15    sys",
            "dir \"sys\" 512 2024-02-11T07:15:00 minute owner=carl",
        ),
        (
            "- [RW-EF---]          0                     732811 Oct 30  2001 net.zip",
            "file \"net.zip\" 732811 2001-10-30T00:00:00 day owner=0",
        ),
        (
            "d[RWCEAFMS]  1 carl          512 Oct 30  2001 mail",
            "dir \"mail\" 512 2001-10-30T00:00:00 day owner=carl",
        ),
        (
            "-[RWCEAFMS] carl             3166     Sept 14, 99 2:30 pm vol$log.err",
            "file \"vol$log.err\" 3166 1999-09-14T14:30:00 minute owner=carl",
        ),
        (
            "-r--r--r--         512    40960    41472 Jul  7  2009 both forks.sit",
            "file \"both forks.sit\" 41472 2009-07-07T00:00:00 day 0444",
        ),
        (
            "drwxrwxr-x               folder        4 Jul  7 10:10 Mac folder",
            "dir \"Mac folder\" 4 2023-07-07T10:10:00 minute 0775",
        ),
        (
            "d---------   1 owner    group               0 Jul  7 10:10 Shared",
            "dir \"Shared\" 0 2023-07-07T10:10:00 minute 0000 owner=owner group=group",
        ),
        (
            "D--------- 1 owner group         0 Jul  7 10:10 old",
            "dir \"old\" 0 2023-07-07T10:10:00 minute 0000 owner=owner group=group",
        ),
        (
            "-wa-------   1 owner    group         60 Jul  7 10:10 flags.txt",
            "file \"flags.txt\" 60 2023-07-07T10:10:00 minute owner=owner group=group",
        ),
        (
            "-C--E-----FTP B ACME01       4711    12345 Jul  7 10:10 INVOICES",
            "file \"INVOICES\" 12345 2023-07-07T10:10:00 minute owner=ACME01 unique=4711",
        ),
        (
            "drwxr-xr-x      2 ug12     g99      DK  common       8192 Jul  7  1993 .trash",
            "dir \".trash\" 8192 1993-07-07T00:00:00 day 0755 owner=ug12 group=g99",
        ),
        (
            "-------r--   0 0     -A--          49887 Jul  7  1995 os2.zip",
            "file \"os2.zip\" 49887 1995-07-07T00:00:00 day 0004 owner=0",
        ),
        (
            "drwxr-x   2       10     4096 Jul  7 10:10 no others",
            "dir \"no others\" 4096 2023-07-07T10:10:00 minute owner=10",
        ),
        (
            "-rw-rw-rw- 1 u g 12 Jan  1 00:0 no zero",
            "file \"no zero\" 12 2024-01-01T00:00:00 minute 0666 owner=u group=g",
        ),
        (
            "-r--r--r--   1 axis     public     706  Jul 21 09.17 dotted time",
            "file \"dotted time\" 706 2023-07-21T09:17:00 minute 0444 owner=axis group=public",
        ),
        (
            "0100640   501  20   12345    1714521600       in numbers",
            "file \"in numbers\" 12345 2024-05-01T00:00:00 second 0640 owner=501 group=20",
        ),
        (
            "0040755   501  20   512    1714521600       directory in numbers",
            "dir \"directory in numbers\" 512 2024-05-01T00:00:00 second 0755 owner=501 group=20",
        ),
        (
            "drwxrwxrwx 99.10.21 14:38:46 SYS03    XOPR     2048 lib",
            "dir \"lib\" 2048 1999-10-21T14:38:46 second 0777 owner=SYS03 group=XOPR",
        ),
        ("d   -   -   -  -  -  -  - mailbox", "dir \"mailbox\""),
    ]);
}
