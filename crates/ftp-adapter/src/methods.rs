//! Methods that the servers of both dialects (async and blocking) have, with their documentation.
//! They never wait. Macros add them to the dialects' types.

/// The setup methods of `Server`. `$clock` is the clock of its guard; its field is `acceptor`.
#[doc(hidden)]
#[macro_export]
macro_rules! server_settings {
    ($clock:ty) => {
        /// Uses this guard for each connection and each login attempt, in [`serve`](Self::serve)
        /// and [`run_session`](Self::run_session). It decides before the application's check, and
        /// its answer decides the reply and its time. Without a guard, failures are counted for
        /// each connection only. A session that you run yourself does not use it.
        ///
        /// In [`serve`](Self::serve) the guard reserves room for known addresses within
        /// [`max_sessions`](Self::max_sessions). For [`run_session`](Self::run_session) only the
        /// guard's own `GuardConfig::connections` counts.
        #[must_use]
        pub fn guard(mut self, guard: $crate::SharedGuard<$clock>) -> Self {
            self.acceptor.set_guard(guard);
            self
        }

        /// Uses this TLS configuration, for example with a renewed certificate, for new connections
        /// of all clones of this server. Open sessions keep theirs.
        pub fn replace_tls(&self, tls: ::std::sync::Arc<::ftp_rustls::rustls::ServerConfig>) {
            self.acceptor.replace_tls(tls);
        }

        /// How long sessions may take to end when [`serve`](Self::serve) stops. The rest is then
        /// closed. Default 10 s.
        #[must_use]
        pub fn drain_time(mut self, time: ::std::time::Duration) -> Self {
            self.acceptor.set_drain_time(time);
            self
        }

        /// How many sessions [`serve`](Self::serve) runs at a time; further clients get a 421. At
        /// least 1; default 900, below the 1024 open files that systems commonly allow a process.
        #[must_use]
        pub fn max_sessions(mut self, sessions: usize) -> Self {
            self.acceptor.set_max_sessions(sessions);
            self
        }
    };
}

/// The methods of `ServerSession` for its connection and its client. Its field is `driver`.
#[doc(hidden)]
#[macro_export]
macro_rules! server_session_methods {
    () => {
        /// The phase of the connection.
        pub fn phase(&self) -> ::ftp_proto::server::Phase {
            self.machine().phase()
        }

        /// The TLS session in force.
        pub fn tls(&self) -> Option<&::std::sync::Arc<::ftp_proto::TlsSession>> {
            self.machine().tls()
        }

        /// Whether data connections must be protected (`PROT P` is in force).
        pub fn is_data_protected(&self) -> bool {
            self.machine().is_data_protected()
        }

        /// Answers an [`Attempt`](ftp_proto::server::Attempt).
        ///
        /// # Errors
        /// [`Misuse`] if the connection has ended, or the login deadline has passed. The verdict is
        /// dropped.
        pub fn decide(&mut self, verdict: ::ftp_proto::server::Verdict) -> Result<(), Misuse> {
            let now = self.driver.now();
            self.machine_mut().decide(now, verdict)
        }

        /// Answers an [`AccountAttempt`](ftp_proto::server::AccountAttempt).
        ///
        /// # Errors
        /// As [`decide`](Self::decide).
        pub fn decide_account(
            &mut self,
            verdict: ::ftp_proto::server::AccountVerdict,
        ) -> Result<(), Misuse> {
            let now = self.driver.now();
            self.machine_mut().decide_account(now, verdict)
        }

        /// Sends a preliminary (1yz) reply to a request, which stays open.
        ///
        /// # Errors
        /// [`Misuse`] if it is not preliminary, or the request was answered.
        pub fn preliminary(
            &mut self,
            request: ::ftp_proto::server::RequestId,
            reply: &::ftp_proto::wire::Reply,
        ) -> Result<(), Misuse> {
            let now = self.driver.now();
            self.machine_mut().preliminary(now, request, reply)
        }

        /// Sends the final reply to a request.
        ///
        /// # Errors
        /// [`Misuse`] if it is preliminary or 421, or the request was answered.
        pub fn reply(
            &mut self,
            request: ::ftp_proto::server::RequestId,
            reply: &::ftp_proto::wire::Reply,
        ) -> Result<(), Misuse> {
            let now = self.driver.now();
            self.machine_mut().reply(now, request, reply)
        }

        /// Answers a request with 502.
        ///
        /// # Errors
        /// [`Misuse`] if the request was answered.
        pub fn not_implemented(
            &mut self,
            request: ::ftp_proto::server::RequestId,
        ) -> Result<(), Misuse> {
            let now = self.driver.now();
            self.machine_mut().not_implemented(now, request)
        }

        /// Sends a 421 with this text after the reply that is being written, then closes.
        pub fn shutdown(&mut self, text: &str) {
            let now = self.driver.now();
            self.machine_mut().shutdown(now, text);
        }

        pub(crate) fn machine(&self) -> &Connection {
            self.driver.machine().machine()
        }

        fn machine_mut(&mut self) -> &mut Connection {
            self.driver.machine_mut().machine_mut()
        }
    };
}
