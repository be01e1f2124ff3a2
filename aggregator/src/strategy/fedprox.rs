//! FedProx: plants are pulled to the weights of the round while they train, so that those with other traffic do not
//! run away; the model follows their mean.

use super::fedavg::mean;
use super::parts::follow;
use super::{Kind, Part, Sees, Settings, Strategy, StrategyError};

pub const KIND: Kind = Kind {
    name: "fedprox",
    about: "Plants are pulled to the common model while they train; it follows the mean of all.",
    sees: Sees::Groups,
    new: |settings, _| {
        settings.check()?;
        if settings.proximal == 0.0 {
            let why =
                "without a pull 'fedprox' is 'fedavg': give it one (0.01 is mild), or take that".to_owned();
            return Err(StrategyError::Settings { name: "proximal", why });
        }
        Ok(Box::new(FedProx(*settings)))
    },
};

struct FedProx(Settings);

impl Strategy for FedProx {
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError> {
        follow(&self.0, mean(parts)?.into_iter().map(|change| change as f32).collect())
    }
}
