//! TLS for a simulated tenant: an authority of its own and a certificate signed by it, because
//! the official clients insist on HTTPS.

use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::Error;

/// The names that a simulated tenant always answers to.
const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate for the simulated tenant, signed by an authority that was made with it.
#[derive(Clone, Debug)]
pub struct Tls {
    pub(super) config: Arc<ServerConfig>,
}

impl Tls {
    /// Makes an authority and a certificate for `localhost`, `127.0.0.1`, `::1` and `hosts`, and
    /// writes the authority's certificate as PEM to `authority`, for clients to trust.
    ///
    /// The authority's key is forgotten at once, so nobody can sign anything else with it.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`](crate::error::Kind::Invalid) if the file cannot be written or a host is
    /// no name, `Internal` if a certificate cannot be made.
    pub fn new(authority: impl AsRef<Path>, hosts: &[String]) -> Result<Tls, Error> {
        let certificate = |source| Error::Certificate { source };
        let mut params = CertificateParams::new(Vec::new()).map_err(certificate)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "entra-flight simulated tenant");
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(certificate)?;
        let root = params.self_signed(&key).map_err(certificate)?;
        let issuer = Issuer::new(params, key);

        let names: Vec<String> =
            HOSTS.into_iter().map(String::from).chain(hosts.iter().cloned()).collect();
        let mut params = CertificateParams::new(names).map_err(certificate)?;
        params.distinguished_name.push(DnType::CommonName, "simulated Graph");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(certificate)?;
        let leaf = params.signed_by(&key, &issuer).map_err(certificate)?;

        let path = authority.as_ref();
        std::fs::write(path, root.pem())
            .map_err(|source| Error::Write { path: path.to_owned(), source })?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], key)
            })
            .map_err(|source| Error::Tls { source })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { config: Arc::new(config) })
    }
}
