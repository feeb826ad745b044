//! What is said of several measurements of one thing.

/// Several measurements, the smallest first.
#[derive(Clone, Debug)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn new(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => self.0[middle],
            _ => f64::midpoint(self.0[middle - 1], self.0[middle]),
        }
    }

    fn smallest(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    fn largest(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// The median with the smallest and the largest value behind it.
    pub(crate) fn spread(&self) -> String {
        let (median, smallest, largest) = (self.median(), self.smallest(), self.largest());
        format!("{} ({}–{})", short(median), short(smallest), short(largest))
    }
}

/// How many times as much the values of one sample are as those that were measured in the same
/// rounds of another; pairs of one round had the same noise around them.
pub(crate) fn ratio(values: &[f64], to: &[f64]) -> String {
    let ratios = values.iter().zip(to).map(|(value, to)| value / to);
    times(Sample::new(ratios.collect()).median())
}

/// A ratio with its sign.
pub(crate) fn times(ratio: f64) -> String {
    format!("{}×", short(ratio))
}

/// Three significant digits.
pub(crate) fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::{Sample, ratio};

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(
            Sample::new(vec![3.0, 1.0, 200.0]).spread(),
            "3.00 (1.00–200)"
        );
        assert_eq!(Sample::new(vec![4.0, 2.0]).spread(), "3.00 (2.00–4.00)");
    }

    #[test]
    fn a_ratio_compares_what_was_measured_together() {
        assert_eq!(ratio(&[2.0, 20.0, 400.0], &[1.0, 10.0, 20.0]), "2.00×");
    }
}
