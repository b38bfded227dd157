"""E-mail: read by IMAP poll, SMTP or LMTP, or from a provider's webhook; answered over SMTP. ``channel`` puts it together."""
