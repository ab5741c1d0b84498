//! Evidence for auditors: Merkle tree, signed checkpoints, proofs, verifier. Empty so far; nothing is signed yet.
