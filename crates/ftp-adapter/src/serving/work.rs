//! What is to be done for a session, one after the other.

use std::io::Write;
use std::sync::Arc;

use ftp_files::{answer, error_kind};
use ftp_proto::Instant;
use ftp_proto::server::{
    CommitRequest, Connection, FileAction, FileError, FileRequest, ListenRequest, Rights,
    TransferRequest,
};

use super::FileSession;
use super::job::{Done, FileJob, OpenFile};
use super::piece::Piece;
use super::served::User;

pub(super) enum Work {
    Listen(ListenRequest),
    /// There are too many transfers.
    Refuse(TransferRequest),
    Answer(FileRequest, Rights, Arc<User>),
    Open(TransferRequest, Rights, Arc<User>),
    Commit(CommitRequest),
    /// Bytes that came and were not written, too.
    Leave(OpenFile, Piece),
}

impl FileSession {
    /// The job for it, if it is one.
    pub(super) fn job_for(
        &mut self,
        now: Instant,
        control: &mut Connection,
        work: Work,
    ) -> Option<FileJob> {
        let is_near = self.is_near(&work);
        if let Work::Open(..) = work {
            self.is_local = is_near;
        }
        let mut job = self.job(now, control, work)?;
        job.is_short = is_near;
        Some(job)
    }

    /// Whether it needs nothing but files that are near, and not much time.
    fn is_near(&self, work: &Work) -> bool {
        match work {
            Work::Answer(request, _, user) => {
                !matches!(request.action(), FileAction::Hash { .. }) && user.has_local_files()
            }
            Work::Open(_, _, user) => user.has_local_files(),
            Work::Commit(_) | Work::Leave(..) => self.is_local,
            Work::Listen(_) | Work::Refuse(_) => false,
        }
    }

    fn job(&mut self, now: Instant, control: &mut Connection, work: Work) -> Option<FileJob> {
        Some(match work {
            Work::Listen(request) => return self.listen(now, control, request),
            Work::Refuse(request) => {
                // If that is too late, nobody waits for it.
                let _late = control.answer(now, request.refused(FileError::Busy));
                return None;
            }
            Work::Answer(request, rights, user) => FileJob::new(move || {
                // The session has a hold on its user as long as it waits.
                let is_awaited = || Arc::strong_count(&user) > 1;
                Done::Answered(match user.files() {
                    Ok(files) => answer(files, request, rights, is_awaited),
                    Err(error) => request.refused(error),
                })
            }),
            Work::Open(request, rights, user) => FileJob::open(request, rights, user),
            Work::Commit(request) => {
                let moving = self
                    .transfer
                    .take_if(|moving| moving.id == request.transfer());
                let Some((mut file, rest)) = moving.and_then(|moving| moving.into_upload()) else {
                    // If that is too late, nobody waits for it.
                    let _late = control.answer(now, request.refused(FileError::Failed));
                    return None;
                };
                FileJob::new(move || {
                    let written = file.write_all(rest.bytes());
                    let written = written.map_err(|error| error_kind(&error));
                    // A file that is dropped is left as after a failure.
                    Done::Answered(match written.and_then(|()| file.commit()) {
                        Ok(()) => request.committed(),
                        Err(error) => request.refused(error),
                    })
                })
            }
            Work::Leave(file, rest) => FileJob::new(move || {
                if let OpenFile::Write(mut file) = file {
                    // The upload has failed: what is kept of it is a favour.
                    let _kept = file.write_all(rest.bytes());
                    let _kept = file.discard();
                }
                Done::Left
            }),
        })
    }
}
