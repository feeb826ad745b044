//! What a relay has seen.

use std::fmt;

/// All connections that were opened through a relay, in their order.
pub(crate) struct Recording {
    pub(crate) connections: Vec<Vec<RoundTrip>>,
}

/// Requests that were sent without waiting for an answer in between; then their answers were waited
/// for.
#[derive(Clone, Default)]
pub(crate) struct RoundTrip {
    /// The SQL of each, or what else it asked for.
    pub(crate) requests: Vec<String>,
}

impl Recording {
    /// How many requests contain these words.
    pub(crate) fn count(&self, words: &str) -> usize {
        let trips = self.connections.iter().flatten();
        let requests = trips.flat_map(|trip| &trip.requests);
        requests.filter(|request| request.contains(words)).count()
    }
}

impl fmt::Display for RoundTrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.requests.join("\n  + "))
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, trips) in self.connections.iter().enumerate() {
            writeln!(f, "connection {}:", number + 1)?;
            for trip in trips {
                writeln!(f, "    {trip}")?;
            }
        }
        Ok(())
    }
}
