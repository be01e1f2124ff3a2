//! Tests of the round player.
