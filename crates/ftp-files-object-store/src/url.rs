//! Stores by their URL.

use std::fmt;

use object_store::ObjectStoreScheme;
use object_store::path::Path;
use url::Url;

use crate::{Bucket, Failure};

/// Why a store cannot be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The text is no URL, or none of a store.
    NotAStore,
    /// There is a user name or password, a query or a fragment in it: credentials come as options.
    NotPlain,
    /// Such a store needs a cargo feature that is off.
    FeatureOff(&'static str),
    /// The options do not suit the store, or the directory is not there.
    Options(Failure),
    /// No threads can be started.
    Io(std::io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAStore => f.write_str(
                "expected the URL of an object store, such as s3://bucket/prefix, gs://bucket/prefix or \
                 az://container/prefix",
            ),
            Self::NotPlain => f.write_str(
                "the URL of an object store has no user, password, query and fragment here; \
                 credentials come from the environment",
            ),
            Self::FeatureOff(feature) => {
                write!(f, "this store needs the cargo feature `{feature}`, which is off")
            }
            Self::Options(failure) => failure.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// Builds a store as `object_store::parse_url_opts` does, but keeps its type: only so is it known to list
/// in pages.
#[cfg(any(feature = "aws", feature = "azure", feature = "gcp"))]
macro_rules! cloud {
    ($builder:ty, $url:expr, $options:expr) => {{
        let builder = <$builder>::new()
            .with_url($url.to_string())
            .with_retry(retries());
        let builder = $options.into_iter().fold(builder, |builder, (key, value)| {
            match key.as_ref().to_ascii_lowercase().parse() {
                Ok(key) => builder.with_config(key, value),
                Err(_) => builder,
            }
        });
        let store = builder
            .build()
            .map_err(|error| OpenError::Options(Failure::new(&error)))?;
        Bucket::paged(store)
    }};
}

impl Bucket {
    /// Opens a store by its URL, below the prefix that is its path: `s3://bucket/prefix` (feature `aws`),
    /// `gs://bucket/prefix` (`gcp`), `az://container/prefix` (`azure`), `file:///path` (`fs`), `memory:///`,
    /// and what [`ObjectStoreScheme`] knows else. Nothing is asked of it yet: see [`probe`](Self::probe).
    ///
    /// The options are those of the store's builder, by name, in capitals or not: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ALLOW_HTTP`, `GOOGLE_SERVICE_ACCOUNT`,
    /// `AZURE_STORAGE_ACCOUNT_NAME` and so on. Others are ignored, so `std::env::vars()` will do.
    ///
    /// A request is tried again for 30 s, since a client waits.
    ///
    /// # Errors
    /// Those of [`OpenError`]. None has the value of an option.
    pub fn open<K, V>(
        url: &str,
        options: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, OpenError>
    where
        K: AsRef<str>,
        V: Into<String>,
    {
        let url: Url = url.parse().map_err(|_| OpenError::NotAStore)?;
        let has_account = url.scheme().starts_with("abfs");
        let has_user = !has_account && !url.username().is_empty();
        if has_user || url.password().is_some() || url.query().or(url.fragment()).is_some() {
            return Err(OpenError::NotPlain);
        }
        let parsed = ObjectStoreScheme::parse(&url).map_err(|_| OpenError::NotAStore)?;
        let (scheme, prefix) = parsed;
        // Not used without any of the features.
        let _options = options;
        let bucket = match scheme {
            ObjectStoreScheme::Memory => Bucket::new(object_store::memory::InMemory::new()),
            #[cfg(feature = "fs")]
            ObjectStoreScheme::Local => return local(&url),
            #[cfg(feature = "aws")]
            ObjectStoreScheme::AmazonS3 => {
                cloud!(object_store::aws::AmazonS3Builder, url, _options)
            }
            #[cfg(feature = "gcp")]
            ObjectStoreScheme::GoogleCloudStorage => {
                cloud!(object_store::gcp::GoogleCloudStorageBuilder, url, _options)
            }
            #[cfg(feature = "azure")]
            ObjectStoreScheme::MicrosoftAzure => {
                cloud!(object_store::azure::MicrosoftAzureBuilder, url, _options)
            }
            #[cfg(not(feature = "fs"))]
            ObjectStoreScheme::Local => return Err(OpenError::FeatureOff("fs")),
            #[cfg(not(feature = "aws"))]
            ObjectStoreScheme::AmazonS3 => return Err(OpenError::FeatureOff("aws")),
            #[cfg(not(feature = "gcp"))]
            ObjectStoreScheme::GoogleCloudStorage => return Err(OpenError::FeatureOff("gcp")),
            #[cfg(not(feature = "azure"))]
            ObjectStoreScheme::MicrosoftAzure => return Err(OpenError::FeatureOff("azure")),
            _ => return Err(OpenError::NotAStore),
        };
        // The parts of a prefix must be ones that keys can have.
        let prefix = Path::parse(prefix).map_err(|_| OpenError::NotAStore)?;
        Ok(bucket.map_err(OpenError::Io)?.with_prefix(&prefix))
    }
}

/// As in other stores, a directory is there as long as anything is in it; but the one that is served stays.
#[cfg(feature = "fs")]
fn local(url: &Url) -> Result<Bucket, OpenError> {
    let path = url.to_file_path().map_err(|()| OpenError::NotAStore)?;
    let store = object_store::local::LocalFileSystem::new_with_prefix(path)
        .map_err(|error| OpenError::Options(Failure::new(&error)))?;
    Bucket::new(store.with_automatic_cleanup(true)).map_err(OpenError::Io)
}

/// A client waits for the answer, and gives up after a minute or so.
#[cfg(any(feature = "aws", feature = "azure", feature = "gcp"))]
fn retries() -> object_store::RetryConfig {
    object_store::RetryConfig {
        retry_timeout: std::time::Duration::from_secs(30),
        ..Default::default()
    }
}
