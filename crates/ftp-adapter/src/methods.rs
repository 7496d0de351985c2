//! Methods that servers have in both dialects, with their documentation, written once: they wait
//! for nothing, and belong to types of the dialects.

/// What `Server` is set up with. `$clock` is the clock of its guard; its field is `acceptor`.
#[doc(hidden)]
#[macro_export]
macro_rules! server_settings {
    ($clock:ty) => {
        /// Asks this guard at each connection and each attempt to log in, in
        /// [`serve`](Self::serve) and [`run_session`](Self::run_session). Its ruling comes before
        /// the application's check, its answer decides what the client is told, and when. Without
        /// one, failures are counted for each connection alone. Sessions that are run by hand ask
        /// by hand.
        ///
        /// In [`serve`](Self::serve) the guard keeps room for known addresses within
        /// [`max_sessions`](Self::max_sessions); what is given to
        /// [`run_session`](Self::run_session) it takes for limited by its own
        /// `GuardConfig::connections` alone.
        #[must_use]
        pub fn guard(mut self, guard: $crate::SharedGuard<$clock>) -> Self {
            self.acceptor.set_guard(guard);
            self
        }

        /// Uses this TLS configuration, for example a renewed certificate, for connections that
        /// come from now on, on all clones of this server. Sessions under way keep theirs.
        pub fn replace_tls(&self, tls: ::std::sync::Arc<::ftp_rustls::rustls::ServerConfig>) {
            self.acceptor.replace_tls(tls);
        }

        /// How long sessions may take to say goodbye when [`serve`](Self::serve) is told to stop;
        /// what is left then is cut off. Default 10 s.
        #[must_use]
        pub fn drain_time(mut self, time: ::std::time::Duration) -> Self {
            self.acceptor.set_drain_time(time);
            self
        }

        /// How many sessions [`serve`](Self::serve) runs at a time; clients over the limit are
        /// told 421. At least 1; default 900, below the 1024 open files that systems commonly
        /// allow a process.
        #[must_use]
        pub fn max_sessions(mut self, sessions: usize) -> Self {
            self.acceptor.set_max_sessions(sessions);
            self
        }
    };
}

/// What a `ServerSession` knows of its connection, and what it can tell the client. Its field is
/// `driver`.
#[doc(hidden)]
#[macro_export]
macro_rules! server_session_methods {
    () => {
        /// Where the connection is in its life.
        pub fn phase(&self) -> ::ftp_proto::server::Phase {
            self.machine().phase()
        }

        /// The TLS session in force.
        pub fn tls(&self) -> Option<&::std::sync::Arc<::ftp_proto::TlsSession>> {
            self.machine().tls()
        }

        /// Whether data connections are to be protected (`PROT P` is in force).
        pub fn is_data_protected(&self) -> bool {
            self.machine().is_data_protected()
        }

        /// Answers an [`Attempt`](ftp_proto::server::Attempt).
        ///
        /// # Errors
        /// [`Misuse`] if the connection is over, or the login deadline passed meanwhile: the
        /// verdict is dropped.
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

        /// A preliminary (1yz) reply to a request, which stays open.
        ///
        /// # Errors
        /// [`Misuse`] if it is not preliminary, or the request is answered.
        pub fn preliminary(
            &mut self,
            request: ::ftp_proto::server::RequestId,
            reply: &::ftp_proto::wire::Reply,
        ) -> Result<(), Misuse> {
            let now = self.driver.now();
            self.machine_mut().preliminary(now, request, reply)
        }

        /// The final reply to a request.
        ///
        /// # Errors
        /// [`Misuse`] if it is preliminary or 421, or the request is answered.
        pub fn reply(
            &mut self,
            request: ::ftp_proto::server::RequestId,
            reply: &::ftp_proto::wire::Reply,
        ) -> Result<(), Misuse> {
            let now = self.driver.now();
            self.machine_mut().reply(now, request, reply)
        }

        /// 502 to a request.
        ///
        /// # Errors
        /// [`Misuse`] if the request is answered.
        pub fn not_implemented(
            &mut self,
            request: ::ftp_proto::server::RequestId,
        ) -> Result<(), Misuse> {
            let now = self.driver.now();
            self.machine_mut().not_implemented(now, request)
        }

        /// 421 with this text as soon as the reply under way is written, then close.
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
