//! One rank, alone: nothing is sent.

use super::{Comm, Mail, Pending, Reduction, Traffic};

/// The only rank of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Solo;

impl Comm for Solo {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn all_gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        vec![mine.to_vec()]
    }

    fn all_reduce(&self, _values: &mut [u64], _reduction: Reduction) {}

    fn start_exchange(&self, out: Vec<Vec<u8>>) -> Box<dyn Pending + '_> {
        assert_eq!(out.len(), 1, "an exchange needs one entry a rank");
        Box::new(Arrived(out))
    }

    fn send_receive(&self, to: &[usize], _bytes: &[u8], from: &[usize]) -> Vec<Vec<u8>> {
        assert!(to.is_empty() && from.is_empty(), "there is no other rank");
        Vec::new()
    }

    fn barrier(&self) {}

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    fn abort(&self, code: i32) -> ! {
        std::process::exit(code)
    }
}

impl Mail for Solo {
    fn post(&self, _number: u64, out: Vec<(usize, Vec<u8>)>) {
        assert!(out.is_empty(), "there is no other rank");
    }

    fn fetch(&self, _number: u64, from: usize, _waits: bool) -> Option<Vec<u8>> {
        panic!("there is no rank {from}")
    }

    fn settle(&self, _below: u64) {}
}

struct Arrived(Vec<Vec<u8>>);

impl Pending for Arrived {
    fn test(&mut self) -> bool {
        true
    }

    fn wait(self: Box<Self>) -> Vec<Vec<u8>> {
        self.0
    }
}
