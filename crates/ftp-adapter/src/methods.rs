//! Methods that the servers and transfers of both dialects (async and blocking) have, with their
//! documentation. They never wait. Macros add them to the dialects' types.

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

/// The methods of `Server` that serve files. Its field is `files`, of type `Arc<FileServer>`, and its method
/// `serving` is called when there are some. The argument says how files are read and written.
#[doc(hidden)]
#[macro_export]
macro_rules! server_files {
    ($(#[$how:meta])*) => {
        /// Serves these files to every user, if the configuration has
        /// [`Config::files`](ftp_proto::server::Config::files): sessions then answer all commands about
        /// files, make the data connections, and move the bytes. Other commands go to the handler as
        /// before. Without this, they get 502.
        ///
        /// * The handler decides who may do what, with
        ///   [`Verdict::rights`](ftp_proto::server::Verdict::rights), and may refuse each operation
        ///   ([`Handler::allow_operation`]) and each transfer ([`Handler::allow_transfer`]). It gets each
        ///   transfer's start and end
        ///   ([`SessionEvent::TransferStarted`](crate::SessionEvent::TransferStarted),
        ///   [`Transferred`](crate::SessionEvent::Transferred)).
        /// * For passive data connections it listens on the address of the control connection's own
        ///   end. Only the control connection's peer is accepted; others are dropped, and end nothing.
        /// * When the server stops, a transfer under way may come to its end within the
        ///   [`drain_time`](Self::drain_time).
        ///
        $(#[$how])*
        ///
        /// In [`run_session`](Self::run_session), whose transport need not be a socket, there are no
        /// passive data connections: `PASV` and `EPSV` get 425.
        #[must_use]
        pub fn files(mut self, files: impl ::ftp_files::Files) -> Self {
            ::std::sync::Arc::make_mut(&mut self.files).set_served(ServedFiles::all(files));
            self.serving()
        }

        /// The same, with files of each user's own. The function gets the session after the login, with
        /// the user's name, when the first question about files is asked; it runs where files are read,
        /// so it may block. What it returns serves until the user is logged out.
        ///
        /// ```
        /// # use std::path::Path;
        /// # use std::sync::Arc;
        /// # use ftp_files::{Directory, Files};
        /// # use ftp_adapter::SessionInfo;
        /// # fn files(session: &SessionInfo) -> std::io::Result<Arc<dyn Files>> {
        /// // For `server.files_for(files)`: the handler has let in only names that are in its table.
        /// let name = session.username.as_ref().map(|name| name.to_string());
        /// let home = Path::new("/srv/ftp").join(name.unwrap_or_default());
        /// Ok(Arc::new(Directory::open(home)?))
        /// # }
        /// ```
        ///
        /// An error answers everything that this user asks about files, as an error of the files would
        /// ([`error_kind`](ftp_files::error_kind)): 550 if a directory does not exist. To refuse the login
        /// instead, look in [`Handler::authenticate`].
        #[must_use]
        pub fn files_for(
            mut self,
            choose: impl Fn(&SessionInfo) -> ::std::io::Result<::std::sync::Arc<dyn ::ftp_files::Files>>
            + Send
            + Sync
            + 'static,
        ) -> Self {
            ::std::sync::Arc::make_mut(&mut self.files).set_served(ServedFiles::chosen(choose));
            self.serving()
        }

        /// Listens on a port in this range for data connections, beginning anywhere in it. Without it on
        /// a dynamic port: from 49152 on, or one that the system chooses. For [`files`](Self::files).
        #[must_use]
        pub fn passive_ports(mut self, ports: ::std::ops::RangeInclusive<u16>) -> Self {
            ::std::sync::Arc::make_mut(&mut self.files).set_passive_ports(ports);
            self
        }

        /// Tells clients (`PASV`) this address instead of the own one of their control connection, for
        /// example that of the router in front: an [`IpAddr`](std::net::IpAddr), or an
        /// [`ExternalAddress`] for a host name, and for rules. For [`files`](Self::files).
        #[must_use]
        pub fn external_address(mut self, address: impl Into<ExternalAddress>) -> Self {
            ::std::sync::Arc::make_mut(&mut self.files).set_external_address(address.into());
            self
        }

        /// Who may make a passive data connection. Default [`PeerCheck::Exact`]: the host of the control
        /// connection. For [`files`](Self::files).
        #[must_use]
        pub fn peer_check(mut self, check: PeerCheck) -> Self {
            ::std::sync::Arc::make_mut(&mut self.files).set_peer_check(check);
            self
        }

        /// How many bytes may move over data connections in a second, in each session, up or down. At least
        /// 1; default: as many as can. The first quarter of a second is free. For [`files`](Self::files).
        #[must_use]
        pub fn session_bandwidth(mut self, bytes_per_second: u64) -> Self {
            ::std::sync::Arc::make_mut(&mut self.files).set_session_bandwidth(bytes_per_second);
            self
        }

        /// The same for all sessions together, which take turns.
        #[must_use]
        pub fn total_bandwidth(mut self, bytes_per_second: u64) -> Self {
            ::std::sync::Arc::make_mut(&mut self.files).set_total_bandwidth(bytes_per_second);
            self
        }

        /// How many transfers, listings included, there may be at a time in all sessions. Further ones get
        /// 450, and the client may try again. Default: one in each session. For [`files`](Self::files).
        #[must_use]
        pub fn max_transfers(mut self, transfers: usize) -> Self {
            ::std::sync::Arc::make_mut(&mut self.files).set_max_transfers(transfers);
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

/// The methods of `Handler<S>` that do not wait, with what they do by default.
#[doc(hidden)]
#[macro_export]
macro_rules! handler_defaults {
    () => {
        /// Whether an operation on files may be done: an error is what the client gets. It is asked after
        /// the user's [rights](ftp_proto::server::Rights), and before the files are. The default allows
        /// all. Be quick: the session waits.
        ///
        /// # Errors
        /// Why not: for example [`FileError::NotAllowed`](ftp_proto::server::FileError::NotAllowed).
        fn allow_operation(
            &self,
            session: &$crate::SessionInfo<S>,
            operation: &::ftp_proto::server::FileAction,
        ) -> ::core::result::Result<(), ::ftp_proto::server::FileError> {
            let _ = (session, operation);
            ::core::result::Result::Ok(())
        }

        /// The same for a transfer, before its file is opened: for example, the time of day, or
        /// [`FileError::Busy`](ftp_proto::server::FileError::Busy) (450) if there are too many. A transfer
        /// that is allowed is reported at once
        /// ([`SessionEvent::TransferStarted`](crate::SessionEvent::TransferStarted)).
        ///
        /// # Errors
        /// As there.
        fn allow_transfer(
            &self,
            session: &$crate::SessionInfo<S>,
            transfer: &$crate::TransferStart,
        ) -> ::core::result::Result<(), ::ftp_proto::server::FileError> {
            let _ = (session, transfer);
            ::core::result::Result::Ok(())
        }

        /// Gets an event of a session, for logs. [`SessionEvent`](crate::SessionEvent) explains the order of
        /// events. Be quick: the session waits.
        fn event(&self, session: &$crate::SessionInfo<S>, event: &$crate::SessionEvent) {
            let _ = (session, event);
        }
    };
}

/// The same for `Arc<Handler<S>>`, and `accept_failed`.
#[doc(hidden)]
#[macro_export]
macro_rules! handler_of_arc {
    () => {
        fn allow_operation(
            &self,
            session: &$crate::SessionInfo<S>,
            operation: &::ftp_proto::server::FileAction,
        ) -> ::core::result::Result<(), ::ftp_proto::server::FileError> {
            (**self).allow_operation(session, operation)
        }

        fn allow_transfer(
            &self,
            session: &$crate::SessionInfo<S>,
            transfer: &$crate::TransferStart,
        ) -> ::core::result::Result<(), ::ftp_proto::server::FileError> {
            (**self).allow_transfer(session, transfer)
        }

        fn event(&self, session: &$crate::SessionInfo<S>, event: &$crate::SessionEvent) {
            (**self).event(session, event);
        }

        fn accept_failed(&self, error: &::std::io::Error) {
            (**self).accept_failed(error);
        }
    };
}

/// What `Download` says of itself.
#[doc(hidden)]
#[macro_export]
macro_rules! download_progress {
    () => {
        /// What the server said when it began.
        pub fn started(&self) -> Option<&$crate::Started> {
            self.running.started()
        }

        /// How many bytes came so far, as they stood on the data connection.
        pub fn received(&self) -> u64 {
            self.running.moved()
        }

        /// How far it has come.
        pub fn progress(&self) -> $crate::Progress {
            self.running.progress()
        }

        /// Calls this at once, and then each time that more bytes have come, with their number and that
        /// of the whole file, if it is known: for a progress bar. It is called within the methods that
        /// read. That all bytes came does not mean that the transfer is whole.
        pub fn on_progress(
            mut self,
            call: impl ::core::ops::FnMut($crate::Progress) + Send + 'static,
        ) -> Self {
            self.running.on_progress(call);
            self
        }
    };
}

/// What `Upload` says of itself.
#[doc(hidden)]
#[macro_export]
macro_rules! upload_progress {
    () => {
        /// What the server said when it began; with `STOU`, perhaps the name.
        pub fn started(&self) -> Option<&$crate::Started> {
            self.running.started()
        }

        /// How many bytes went out so far, as they stand on the data connection.
        pub fn sent(&self) -> u64 {
            self.running.moved()
        }

        /// How far it has come. The total is known if the transfer has a
        /// [size](ftp_proto::client::Transfer::size).
        pub fn progress(&self) -> $crate::Progress {
            self.running.progress()
        }

        /// Calls this at once, and then each time that more bytes went out, with their number and that
        /// of the whole file, if the transfer has a [size](ftp_proto::client::Transfer::size): for a
        /// progress bar. It is called within the methods that write or finish. That all bytes went out
        /// does not mean that the transfer is whole.
        pub fn on_progress(
            mut self,
            call: impl ::core::ops::FnMut($crate::Progress) + Send + 'static,
        ) -> Self {
            self.running.on_progress(call);
            self
        }
    };
}
