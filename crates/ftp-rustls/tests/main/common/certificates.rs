//! Certificates made on the spot.

use std::sync::{Arc, LazyLock};

use ftp_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use ftp_rustls::rustls::{ClientConfig, ServerConfig};
use ftp_rustls::{
    ClientCertificates, ClientTls, Identity, Roots, TrustedCertificates, Versions,
    client_config_with_versions, roots_from_pem, server_config_with_versions,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

pub const NAME: &str = "ftp.example.com";

/// An authority of our own.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    pub fn roots(&self) -> TrustedCertificates {
        roots_from_pem(self.pem.as_bytes()).unwrap()
    }

    pub fn issue(&self, purpose: ExtendedKeyUsagePurpose) -> Identity {
        self.issue_until(purpose, 4000)
    }

    pub fn issue_until(&self, purpose: ExtendedKeyUsagePurpose, year: i32) -> Identity {
        let (chain, key) = self.issue_pair(purpose, year);
        Identity::from_der(chain, key).unwrap()
    }

    fn issue_pair(
        &self,
        purpose: ExtendedKeyUsagePurpose,
        year: i32,
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![NAME.into(), "127.0.0.1".into()]).unwrap();
        params.extended_key_usages = vec![purpose];
        params.not_after = date_time_ymd(year, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (
            vec![CertificateDer::from(certificate)],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
    }

    /// A server's certificate and its key, for configurations made by hand.
    pub fn server_pair(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        self.issue_pair(ExtendedKeyUsagePurpose::ServerAuth, 4000)
    }

    pub fn server_identity(&self) -> Identity {
        self.issue(ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub fn client_identity(&self) -> Identity {
        self.issue(ExtendedKeyUsagePurpose::ClientAuth)
    }
}

/// The one that most tests trust.
pub static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::new("Authority"));

pub const BOTH: [Versions; 2] = [Versions::Tls12, Versions::Tls13];

pub fn client_config(versions: Versions) -> Arc<ClientConfig> {
    client_config_with_versions(Roots::Store(AUTHORITY.roots()), None, versions).unwrap()
}

pub fn client_tls(versions: Versions) -> ClientTls {
    ClientTls::for_host(client_config(versions), NAME).unwrap()
}

pub fn server_config(versions: Versions) -> Arc<ServerConfig> {
    server_config_with_versions(
        AUTHORITY.server_identity(),
        ClientCertificates::NotAsked,
        versions,
    )
    .unwrap()
}
