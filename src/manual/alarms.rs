#![doc = include_str!("alarms.md")]
