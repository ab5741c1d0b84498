//! Who is at the other end, and what they may do.
//!
//! Closed by default: over the local socket the user that runs the server and root are admins and nobody else is
//! anybody until configured; over TLS a token is needed. Nothing here knows of HTTP.

mod peers;
mod principal;
mod tokens;

pub use peers::PeerPolicy;
pub use principal::Permission;
pub use principal::Principal;
pub use principal::Role;
pub use principal::UnknownRole;
pub use principal::Via;
pub use tokens::FILE_NAME as TOKENS_FILE_NAME;
pub use tokens::IssuedToken;
pub use tokens::TokenError;
pub use tokens::TokenInfo;
pub use tokens::TokenStore;
