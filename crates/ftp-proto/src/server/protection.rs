//! Which commands are allowed while `PROT P` is required and not in force (RFC 4217 §9).

use crate::wire::{Reply, Verb};

use super::replies;

/// Whether a command certainly uses only the control connection.
///
/// The list names what is harmless, so that a verb added later is refused until it is in the list.
/// `SITE` is not: what it does depends on the server.
pub(super) const fn is_harmless(verb: Verb) -> bool {
    use Verb::*;
    matches!(
        verb,
        User | Pass
            | Acct
            | Rein
            | Quit
            | Host
            | Auth
            | Adat
            | Pbsz
            | Prot
            | Ccc
            | Mic
            | Conf
            | Enc
            | Feat
            | Opts
            | Lang
            | Clnt
            | Csid
            | Help
            | Noop
            | Syst
            | Stat
            | Cwd
            | Cdup
            | Pwd
            | Xcwd
            | Xcup
            | Xpwd
            | Smnt
            | Mkd
            | Xmkd
            | Rmd
            | Xrmd
            | Dele
            | Rnfr
            | Rnto
            | Type
            | Stru
            | Mode
            | Allo
            | Rest
            | Rang
            | Abor
            | Mdtm
            | Mfmt
            | Mfct
            | Mff
            | Size
            | Mlst
            | Avbl
            | Dsiz
            | Hash
            | Xcrc
            | Xmd5
            | Xsha
    )
}

/// The reply to a command that is not harmless.
pub(super) fn refusal(verb: Verb) -> &'static Reply {
    use Verb::*;
    match verb {
        Retr | Stor | Stou | Appe | List | Nlst | Mlsd | Thmb => &replies::TRANSFER_UNPROTECTED,
        _ => &replies::DATA_UNPROTECTED,
    }
}
