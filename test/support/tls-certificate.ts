/**
 * A self-signed certificate for `images.test` and its key, for listeners of tests alone: nothing trusts it.
 * Valid until 2126; made with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256`.
 */
export const TLS_CERTIFICATE = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUM2XhSOxvDJKvnKtGWAZ9c0gqI8swCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLaW1hZ2VzLnRlc3QwIBcNMjYxMTIxMDcxNDA5WhgPMjEyNjEw
MjgwNzE0MDlaMBYxFDASBgNVBAMMC2ltYWdlcy50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAE0STmgs3W3uPT+f2jDIAQFLcwQpFMBVhxBcIhcDrXkJZU8ZG3
M0pTYuPo54a0DXsVIuTnyskBikX4HRisepzGWqNrMGkwHQYDVR0OBBYEFF6KLt2Z
DGmSVR9absHx6VOV0Q4gMB8GA1UdIwQYMBaAFF6KLt2ZDGmSVR9absHx6VOV0Q4g
MA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILaW1hZ2VzLnRlc3QwCgYIKoZI
zj0EAwIDSAAwRQIgB2YSgzWEbFMh0UlaJO/lzfHm/o/e/hVtVCigrh0Q9uYCIQDk
JT39Gyh+V83f8RIV+yRgqBUP5KTDoyHnelduzfp8yw==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeCLCC1kS1aReT7LG
CcoIhp9NkGfrV1QSchpMJ2/fmy6hRANCAATRJOaCzdbe49P5/aMMgBAUtzBCkUwF
WHEFwiFwOteQllTxkbczSlNi4+jnhrQNexUi5OfKyQGKRfgdGKx6nMZa
-----END PRIVATE KEY-----
`,
};
