//! Listings of mainframes and other hosts.
//!
//! A listing is given line by line with what comes of each line; see `listing_common::check`. All of it is
//! received on 2024-05-04, at noon.

use crate::listing_common::check;

#[test]
fn data_sets_of_z_os() {
    check(&[
        (
            "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
            "(header)",
        ),
        (
            "VOL001 3390   2023/11/07  1   15  FB      80 27920  PO  JCL.CNTL",
            "dir \"JCL.CNTL\" 2023-11-07T00:00:00 day",
        ),
        (
            "VOL002 3390   2023/11/07  2   31  VB     256 27998  PS  DAILY.LOG",
            "file \"DAILY.LOG\" 2023-11-07T00:00:00 day",
        ),
        (
            "VOL003 3390   2023/11/07  1+++++  VBS  32767 27966  PS  LARGE.DATA",
            "file \"LARGE.DATA\" 2023-11-07T00:00:00 day",
        ),
        (
            "VOL004 3390   **NONE**    1    1  FB      80 27920  PO-E 'ANNA.NEW.LIB'",
            "dir \"'ANNA.NEW.LIB'\"",
        ),
        (
            "VOL005 3390                                        VSAM ANNA.KSDS",
            "file \"ANNA.KSDS\"",
        ),
        (
            "Migrated                                                ANNA.OLD.DATA",
            "file \"ANNA.OLD.DATA\"",
        ),
        (
            "ARCIVE Not Direct Access Device                         ANNA.TAPE.DATA",
            "file \"ANNA.TAPE.DATA\"",
        ),
        (
            "Error determining attributes                            ANNA.GDG",
            "file \"ANNA.GDG\"",
        ),
        (
            "VOL006 Not Mounted                                      ANNA.AWAY",
            "file \"ANNA.AWAY\"",
        ),
        (
            "Pseudo Directory                                        TEST",
            "dir \"TEST\"",
        ),
        (
            "V43525 Tape                                             ANNA.BACKUP",
            "file \"ANNA.BACKUP\"",
        ),
        (
            "WORK01 3380K  05/13/96  1    1  VB     136 23476  PS  OLD.DATE",
            "file \"OLD.DATE\" 1996-05-13T00:00:00 day",
        ),
    ]);
}

#[test]
fn members_of_z_os_libraries() {
    check(&[
        (
            " Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
            "(header)",
        ),
        (
            "COMPILE   01.03 2020/03/06 2021/10/27 09:12    31     1     0 ANNA",
            "file \"COMPILE\" 2021-10-27T09:12:00 minute owner=ANNA",
        ),
        (
            "OLDDATE   01.10 89/04/19 94/12/15 18:55    90     1     0 CARL",
            "file \"OLDDATE\" 1994-12-15T18:55:00 minute owner=CARL",
        ),
        ("NOSTATS", "file \"NOSTATS\""),
        (
            " Name      Size     TTR   Alias-of AC --------- Attributes --------- Amode Rmode",
            "(header)",
        ),
        (
            "PAYROLL   01A0F8   00020C          00 FO             RN RU            31    ANY",
            "file \"PAYROLL\" 106744",
        ),
        (
            "PAY2      01A0F8   00020C PAYROLL  00 FO                              31    24",
            "file \"PAY2\" 106744",
        ),
    ]);
}

#[test]
fn jobs_on_z_os() {
    check(&[
        (
            "ANNAJ1    JOB01234  OUTPUT    3 Spool Files",
            "file \"JOB01234\"",
        ),
        ("ANNAJ2    JOB01235  ACTIVE", "file \"JOB01235\""),
        ("JOBNAME  JOBID    OWNER    STATUS CLASS", "(header)"),
        (
            "ANNAJ3   JOB01236 ANNA     OUTPUT A        RC=0000 3 spool files",
            "file \"JOB01236\" owner=ANNA",
        ),
        ("--------", "(header)"),
        (
            "         ID  STEPNAME PROCSTEP C DDNAME   BYTE-COUNT",
            "(header)",
        ),
        (
            "         001 JES2              A JESMSGLG       858",
            "file \"JESMSGLG\" 858 unique=001",
        ),
        ("3 spool files", "(trailer)"),
    ]);
}

#[test]
fn ibm_i_vm_and_vse() {
    check(&[
        (
            "/QDLS/DOCS         0 11/09/95 07:19:30 DIR",
            "dir \"/QDLS/DOCS\" 0 1995-11-09T07:19:30 second",
        ),
        (
            "ANNA            77824 12/24/20 15:09:55 *DIR       /home/anna/",
            "dir \"/home/anna\" 77824 2020-12-24T15:09:55 second owner=ANNA",
        ),
        (
            "ANNA              422 12/24/20 15:09:55 *STMF      read me.txt",
            "file \"read me.txt\" 422 2020-12-24T15:09:55 second owner=ANNA",
        ),
        (
            "ANNA            45056 24/12/20 07:44:48 *FILE      PAYLIB.FILE",
            "file \"PAYLIB.FILE\" 45056 2020-12-24T07:44:48 second owner=ANNA",
        ),
        (
            "ANNA                                    *MEM       PAYLIB.FILE/PAY.MBR",
            "file \"PAYLIB.FILE/PAY.MBR\" owner=ANNA",
        ),
        (
            "ANNA            36864 24.12.20 14:21:26 *FILE      DOTS.FILE",
            "file \"DOTS.FILE\" 36864 2020-12-24T14:21:26 second owner=ANNA",
        ),
        (
            "START    EXEC     F         80        16          1 1999-11-16  9:05:22 ANN191",
            "file \"START.EXEC\" 1280 1999-11-16T09:05:22 second owner=ANN191",
        ),
        (
            "LETTER   SCRIPT   V         76        40          2  8/15/97 22:04:29 -",
            "file \"LETTER.SCRIPT\" 1997-08-15T22:04:29 second",
        ),
        (
            "MEMOS             DIR        -          -          -  8/15/97 22:04:29 -",
            "dir \"MEMOS\" 1997-08-15T22:04:29 second",
        ),
        (
            "PROFILE  EXEC     A1 V      17     3      1       9/12/91   12:39:07",
            "file \"PROFILE.EXEC\" 1991-09-12T12:39:07 second",
        ),
        (
            "05/20/2000 13:38:19   F        1          65758 'bytes.txt'",
            "file \"bytes.txt\" 65758 2000-05-20T13:38:19 second",
        ),
        (
            "0013 SMTP     00000011 1999-11-03 12:46:10 ANNA     MAIL",
            "file \"ANNA.MAIL\" 1999-11-03T12:46:10 second owner=SMTP unique=0013",
        ),
        (
            "PRODLIB    <Sub Library>        6259      85,306   98/04/01   18:48",
            "dir \"PRODLIB\" 1998-04-01T18:48:00 minute",
        ),
        ("USERCAT   <VSAM Catalog>", "dir \"USERCAT\""),
        (
            "LOAD.PHASE  2088       3  99/02/23  15:16   99/02/24   15:36  S",
            "file \"LOAD.PHASE\" 2088 1999-02-24T15:36:00 minute",
        ),
        (
            "PAY.MASTER             97/11/25   12:00       854000  K",
            "file \"PAY.MASTER\" 854000 1997-11-25T12:00:00 minute",
        ),
    ]);
}

#[test]
fn rarer_hosts() {
    check(&[
        (
            "File         Code             EOF  Last Modification    Owner  RWEP",
            "(header)",
        ),
        (
            "ACCTS        1000             2048 27-Aug-02 13:57:22 155,106 \"nunu\"",
            "file \"ACCTS\" 2048 2002-08-27T13:57:22 second owner=155,106",
        ),
        (
            "OPENED   O    101              101  4-Mar-01 23:50:06 255, 76 \"oooo\"",
            "file \"OPENED\" 101 2001-03-04T23:50:06 second owner=255, 76",
        ),
        (
            "w    158 stm       90-05-19 11:53:44  accounts.cobol",
            "file \"accounts.cobol\" 1990-05-19T11:53:44 second",
        ),
        (
            "m      1  04-11-24 11:30:35  more source",
            "dir \"more source\" 2004-11-24T11:30:35 second",
        ),
        (
            "04-11-24 11:30:51  current ->  %sys#disk>home>anna",
            "link \"current\" 2004-11-24T11:30:51 second target=%sys#disk>home>anna",
        ),
        (
            "  1.78    92/03/12 0841   ----r-wr     124     56984 mbox",
            "file \"mbox\" 56984 1992-03-12T08:41:00 minute owner=1.78",
        ),
        (
            "           1B  BA         605 2147483647   1       16  1  *  history",
            "file \"history\" 605",
        ),
        (
            "          16W  HBD          0   67107839   1       32  1  *  dist/",
            "dir \"dist\"",
        ),
        (
            "SCREEN1                      256B      FA       800      10000",
            "file \"SCREEN1\" 204800",
        ),
        (
            "d s -----0 ANNA         SYSADMIN         JUN 10, 1997 SLIB",
            "dir \"SLIB\" 1997-06-10T00:00:00 day owner=ANNA group=SYSADMIN",
        ),
        (
            "- rwx rwx ---     1076480 02/24/98 09:54:17  anna          data",
            "file \"data\" 1076480 1998-02-24T09:54:17 second owner=anna",
        ),
        (
            "- RW-RW-RW-   1   ANNA       50 DEC  1  1997 AAAJ          B(B)",
            "file \"AAAJ\" 50 1997-12-01T00:00:00 day owner=ANNA",
        ),
        (
            "drwx  F        400     400  PO    93.10.27  COMMON.LIB/",
            "dir \"COMMON.LIB\" 1993-10-27T00:00:00 day",
        ),
        (
            "acme     00003444 00910368 <c395 7010.zip>     030924-1636  A R       TCP BIN",
            "file \"c395 7010.zip\" 910368 2003-09-24T16:36:00 minute owner=acme unique=00003444",
        ),
        (
            "FFAD59A3FB100._IE  ACCT1 USER1  ORDERS  0000006501 960821 092357",
            "file \"FFAD59A3FB100._IE\" 6501 1996-08-21T09:23:57 second owner=ACCT1 USER1",
        ),
        (
            "-D 2 T VB  00244 18000 SALES!PROD.SALES.DATA",
            "file \"SALES\"",
        ),
        (
            "A/B                     SEQDATA    84 06/09/1998  12:03",
            "file \"A/B\" 84 1998-06-09T12:03:00 minute",
        ),
        (" 80000   9FFFF   131072   boot", "file \"boot\" 131072"),
        (
            "ABC                       47VC    2K 08JAN03 24SEP96 14:30 $000000  CR        5",
            "file \"ABC\" 1996-09-24T14:30:00 minute owner=000000",
        ),
        ("PS:<ANNA>", "(header)"),
        ("NOTES.TXT.7", "file \"NOTES.TXT.7\""),
        (
            "<ANNA>DUMP.EXE.1;P775252;A,210,10-Apr-1990 13:17:41,10-Apr-1990 13:18:26,11-Jan-2003 11:34:26",
            "file \"<ANNA>DUMP.EXE.1\" 1990-04-10T13:18:26 second",
        ),
        (
            "README              763  Feb  3 18:21  What is here",
            "file \"README\" 763 2024-02-03T18:21:00 minute",
        ),
        (
            "pub/                  =  Jul 11 21:04  Public area",
            "dir \"pub\" 2023-07-11T21:04:00 minute",
        ),
        (
            "home                 14  Apr 18  9:39  -> ../real/home",
            "link \"home\" 14 2024-04-18T09:39:00 minute target=../real/home",
        ),
    ]);
}
