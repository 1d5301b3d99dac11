//! How keys and Pub/Sub channels are spelled in Redis.
