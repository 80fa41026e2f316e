//! Cases with a cluster manager: from blank machines, and of clusters that once followed another file and to which
//! something has happened since.

use std::time::Duration;

use super::{Case, End};
use crate::kinds::Spec;
use crate::laws::drive::{Meddling, Watched, timeless};
use crate::laws::managed_gen::{self, Edit, Event, Form};
use crate::laws::seeds::Draws;
use crate::laws::world_gen;
use crate::model::{Allow, Verdict};
use crate::transport::simulated::{Simulated, World};

/// How long one run may take: longer than everything has to be waited for that comes.
const LIMIT: Duration = Duration::from_secs(200);

impl Case {
    /// A case with a cluster manager, from blank machines.
    pub fn managed(seed: u64) -> Self {
        let spec = Form::any(&mut Draws::new(seed), Edit::None).spec();
        Self { world: world_gen::blank([&spec]), spec, allow: Allow::all(), limit: LIMIT }
    }

    /// A case with a cluster manager that followed another file, and to which something has happened since.
    pub fn managed_worn(seed: u64) -> Self {
        let mut draws = Draws::new(seed ^ 0xc10c);
        // What shows only together is drawn together.
        let (edit, event) = match seed % 14 {
            1 => (Edit::Renamed, Event::PacemakerStops),
            3 => (Edit::Tuned, Event::PackageGone),
            5 => (Edit::Tuned, Event::LeftAlone),
            7 => (Edit::Grown, Event::Lost),
            9 => (Edit::Moved, Event::Losing),
            11 => (Edit::Kept, Event::Maintained),
            12 => (Edit::Renamed, Event::Nothing),
            13 => (Edit::RenamedAndTimed, Event::Nothing),
            _ => (*draws.pick(&Edit::ALL), *draws.pick(&Event::ALL)),
        };
        let form = Form::any(&mut draws, edit);
        let (spec, was) = (form.spec(), form.before(edit).spec());
        let sim = Simulated::new(made(was.clone(), world_gen::blank([&was, &spec])));
        managed_gen::wear(&mut draws, &sim, &was, event);
        let world = sim.world().clone();
        Self { spec, world, allow: Allow::all(), limit: LIMIT }
    }

    /// Whether nobody was fenced while nothing went wrong.
    pub async fn fences_nobody(&self) -> Result<End, String> {
        let sim = self.begin();
        let watched = Watched::new(&sim, &self.spec);
        let report = self.settle(&watched, &Meddling::None).await?;
        let fenced = sim.world().fenced.clone();
        if !fenced.is_empty() {
            return Err(self.told(&format!("fenced without a need: {fenced:?}"), &watched.seen().story()));
        }
        self.end(&watched, report.verdict)
    }
}

/// The world once `spec` was followed in it.
fn made(spec: Spec, world: World) -> World {
    let case = Case { spec, world, allow: Allow::all(), limit: LIMIT };
    timeless(async {
        let sim = case.begin();
        let watched = Watched::new(&sim, &case.spec);
        let report = case.applied(&watched).await.expect("nobody dies of it");
        assert_eq!(report.verdict, Verdict::AsWritten, "{}", case.told("it was not made", &watched.seen().story()));
        sim.world().clone()
    })
}
