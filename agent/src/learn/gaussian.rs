//! Gaussian noise from a cryptographic stream (Box and Muller). A number is the sum of four draws, halved: a
//! double has gaps by which one draw could be told from its value (Mironov 2012), and the gaps of four do not
//! line up (Holohan and Braghin 2021).

use fieldward_shared::privacy::keystream::Keystream;

/// Numbers with mean 0 and deviation 1.
pub struct Gaussian<'a>(&'a mut Keystream);

impl<'a> Gaussian<'a> {
    /// From this stream.
    pub const fn new(chance: &'a mut Keystream) -> Self {
        Self(chance)
    }

    /// Adds noise of a deviation to each.
    pub fn add(&mut self, deviation: f64, values: &mut [f64]) {
        for value in values {
            *value += deviation * self.draw();
        }
    }

    /// A number.
    pub fn draw(&mut self) -> f64 {
        let ([one, two], [three, four]) = (self.pair(), self.pair());
        (one + two + three + four) * 0.5
    }

    fn pair(&mut self) -> [f64; 2] {
        // Never zero, so that its logarithm is a number.
        let radius = (-2.0 * (1.0 - unit(self.0)).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * unit(self.0)).sin_cos();
        [radius * sine, radius * cosine]
    }
}

/// From 0 to below 1.
fn unit(chance: &mut Keystream) -> f64 {
    (chance.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// True with this chance.
pub fn happens(chance: &mut Keystream, share: f64) -> bool {
    unit(chance) < share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_a_gaussian() {
        let mut chance = Keystream::new(&[5; 32]);
        let mut noise = Gaussian::new(&mut chance);
        let count = 200_000;
        let mut moments = [0.0; 4];
        let mut beyond = 0.0;
        for _ in 0..count {
            let drawn = noise.draw();
            (1..).zip(&mut moments).for_each(|(power, sum)| *sum += drawn.powi(power) / f64::from(count));
            beyond += f64::from(u8::from(drawn.abs() > 1.959_964)) / f64::from(count);
        }
        let [mean, square, cube, fourth] = moments;
        assert!(mean.abs() < 0.01 && (square - 1.0).abs() < 0.015, "{moments:?}");
        assert!(cube.abs() < 0.04 && (fourth - 3.0).abs() < 0.1, "{moments:?}");
        assert!((beyond - 0.05).abs() < 0.002, "{beyond}");
    }

    #[test]
    fn chances_are_as_they_say() {
        let mut chance = Keystream::new(&[6; 32]);
        let hits = (0..100_000).filter(|_| happens(&mut chance, 0.03)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert!((0..1000).all(|_| happens(&mut chance, 1.0) && !happens(&mut chance, 0.0)));
    }
}
