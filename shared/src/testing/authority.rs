//! A certificate authority of a test's own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Issues certificates with `openssl`; its files go with it.
#[derive(Debug)]
pub struct Authority(PathBuf);

impl Authority {
    /// A new one.
    ///
    /// # Panics
    ///
    /// When there is no `openssl` on the path.
    pub fn new() -> Self {
        let name = format!("hubbub-authority-{:016x}", rand::random::<u64>());
        let authority = Self(env::temp_dir().join(name));
        fs::create_dir(&authority.0).expect("the folder for temporary files can be written to");
        authority.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=tests",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-addext",
            "basicConstraints=critical,CA:TRUE",
        ]);
        authority
    }

    /// Its own certificate (PEM): what programs are told to trust.
    pub fn file(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// A certificate for this address, and its key: two files (PEM).
    ///
    /// # Panics
    ///
    /// When `openssl` fails.
    pub fn issue(&self, ip: &str) -> (PathBuf, PathBuf) {
        let name = format!("{:016x}", rand::random::<u64>());
        let [certificate, key, request, extensions] =
            ["pem", "key", "csr", "ext"].map(|kind| format!("{name}.{kind}"));
        fs::write(
            self.0.join(&extensions),
            format!("subjectAltName=IP:{ip}\n"),
        )
        .expect("our own folder");
        self.openssl(&[
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=server",
            "-keyout",
            &key,
            "-out",
            &request,
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            &extensions,
            "-out",
            &certificate,
        ]);
        (self.0.join(certificate), self.0.join(key))
    }

    fn openssl(&self, arguments: &[&str]) {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(Path::new(&self.0));
        let done = command.stdin(Stdio::null()).output();
        let done = done.expect("openssl can be started");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "openssl {arguments:?}: {said}");
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
