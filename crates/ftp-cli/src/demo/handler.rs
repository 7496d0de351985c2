//! The application of the demo's servers: two users, and no commands after login.

use ftp_adapter::SessionInfo;
use ftp_proto::server::{Attempt, Request, Verdict};
use ftp_proto::wire::Reply;

use crate::serve::{Decision, Users};

pub(super) struct DemoHandler(pub(super) Users);

impl DemoHandler {
    /// Blocks its thread for some tens of milliseconds. Nothing else waits for it here.
    fn check(&self, attempt: Attempt) -> Verdict {
        let decision = self
            .0
            .decide(attempt.username(), attempt.password(), attempt.account());
        match decision {
            Decision::Accept => attempt.accept(),
            Decision::NeedAccount => attempt.need_account(),
            Decision::Reject => attempt.reject(),
        }
    }
}

impl ftp_futures::Handler for DemoHandler {
    async fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        self.check(attempt)
    }

    async fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}

impl ftp_blocking::Handler for DemoHandler {
    fn authenticate(&self, _: &SessionInfo, attempt: Attempt) -> Verdict {
        self.check(attempt)
    }

    fn command(&self, _: &SessionInfo, _: Request) -> Option<Reply> {
        None
    }
}
