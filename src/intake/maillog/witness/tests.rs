//! What lines do to the register.
