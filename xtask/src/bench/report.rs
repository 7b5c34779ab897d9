//! Medians, ratios, and the table.

use serde_json::{Value, json};

use super::{
    alone::Amount,
    case::{Case, Load, TARGETS},
    load::{Fixed, Saturated},
    machine::Machine,
    peers::LeftOut,
    verify::Verified,
};

/// More load than this before a run comes from somebody else.
const BUSY: f32 = 0.7;
/// This part of the fixed rate must have been reached.
const RATE_HELD: f64 = 0.97;

/// All that was measured.
#[derive(Debug)]
pub(super) struct Report {
    name: &'static str,
    machine: Machine,
    rounds: u32,
    seconds: u32,
    pub(super) cases: Vec<Measured>,
    /// Requests per second of the second half; 0 where there is none.
    pub(super) fixed_rate: u32,
    /// Tokens verified without a door; empty where they were not measured.
    pub(super) verified: Vec<Verified>,
    /// What a door takes by itself; empty where it was not measured.
    pub(super) amounts: Vec<Amount>,
    /// Peers that are not measured.
    pub(super) left_out: Vec<LeftOut>,
}

/// What one case gave, round by round.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) case: Case,
    pub(super) saturated: Vec<Saturated>,
    pub(super) fixed: Vec<Fixed>,
}

impl Measured {
    pub(super) fn new(case: Case) -> Self {
        Self { case, saturated: Vec::new(), fixed: Vec::new() }
    }

    fn of(&self, figure: impl Fn(&Saturated) -> f64) -> f64 {
        median(self.saturated.iter().map(figure).collect())
    }

    /// None where nothing was measured at a fixed rate.
    fn of_fixed(&self, figure: impl Fn(&Fixed) -> f64) -> Option<f64> {
        let figures: Vec<_> = self.fixed.iter().map(figure).collect();
        (!figures.is_empty()).then(|| median(figures))
    }

    /// Whether the load at a fixed rate was what it should have been.
    fn is_rate_held(&self, rate: u32) -> bool {
        let held = self.of_fixed(|it| it.requests_per_second);
        held.is_none_or(|it| it >= f64::from(rate) * RATE_HELD)
    }

    fn resident_mib(&self) -> f64 {
        self.of(|it| f64::from(u32::try_from(it.rss_kib).unwrap_or(u32::MAX))) / 1024.0
    }
}

impl Report {
    pub(super) fn new(name: &'static str, machine: Machine, rounds: u32, seconds: u32) -> Self {
        Self {
            name,
            machine,
            rounds,
            seconds,
            cases: Vec::new(),
            fixed_rate: 0,
            verified: Vec::new(),
            amounts: Vec::new(),
            left_out: Vec::new(),
        }
    }

    /// Half of what the slowest case can do, so that all are asked the same.
    pub(super) fn fix_rate(&mut self) {
        let plain = self.plain_cases();
        let slowest =
            plain.map(|it| it.of(|it| it.requests_per_second)).fold(f64::INFINITY, f64::min);
        self.fixed_rate = whole(slowest / 2.0).max(1);
    }

    /// The cases that can be asked at a fixed rate: the open loop speaks plain HTTP/1.1 alone.
    pub(super) fn plain_cases(&mut self) -> impl Iterator<Item = &mut Measured> {
        self.cases.iter_mut().filter(|it| it.case.load() == Load::Http)
    }

    pub(super) fn print(&self) {
        let Machine { cores, processor, memory_mib, kernel, load_before } = &self.machine;
        println!("\n{processor}, {cores} cores, {memory_mib} MiB, Linux {kernel}");
        self.print_cases();
        self.print_verified();
        if *load_before > BUSY {
            println!(
                "note: the machine was busy before (load {load_before}): do not trust this run"
            );
        }
        for it in self.cases.iter().filter(|it| !it.is_rate_held(self.fixed_rate)) {
            println!("note: {}: the fixed rate was not held, its p99 is no figure", it.case.name());
        }
        for LeftOut { name, why } in &self.left_out {
            println!("left out: {name}: {why}");
        }
        for (name, ratio, most) in self.ratios() {
            println!("{name}: {ratio:.2} ({} the target of {most})", verdict(ratio, most));
        }
        for it in &self.amounts {
            let Amount { name, unit, target, rounds: _ } = it;
            let (amount, verdict) = (it.median(), verdict(it.median(), *target));
            println!("{name}: {amount:.1} {unit} ({verdict} the target of {target} {unit})");
        }
    }

    fn print_cases(&self) {
        if self.cases.is_empty() {
            println!("{} rounds, medians\n", self.rounds);
            return;
        }
        println!(
            "{} rounds of {} s, interleaved, medians; p99 fixed is at {} req/s, half of what the \
             slowest case can do\n",
            self.rounds, self.seconds, self.fixed_rate
        );
        println!(
            "| case | CPU us/request | req/s on one core | p50 ms | p99 ms | p99 fixed ms | RSS MiB |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        for it in &self.cases {
            println!(
                "| {} | {:.1} | {:.0} | {:.2} | {:.2} | {} | {:.1} |",
                it.case.about(),
                it.of(|it| it.cpu_us),
                it.of(|it| it.requests_per_second),
                it.of(|it| it.p50_us) / 1e3,
                it.of(|it| it.p99_us) / 1e3,
                it.of_fixed(|it| it.p99_us).map_or("-".to_owned(), |it| format!("{:.2}", it / 1e3)),
                it.resident_mib(),
            );
        }
        println!();
    }

    fn print_verified(&self) {
        if self.verified.is_empty() {
            return;
        }
        println!("| token signed by | bare signature us | first time us | known us |");
        println!("| --- | --- | --- | --- |");
        for Verified { algorithm, bare_ns, first_ns, known_ns, .. } in &self.verified {
            let [bare, first, known] = [bare_ns, first_ns, known_ns].map(|it| it / 1e3);
            println!("| {algorithm} | {bare:.1} | {first:.1} | {known:.2} |");
        }
        println!();
    }

    /// Every figure, for machines.
    pub(super) fn figures(&self) -> Value {
        let cases = self.cases.iter().map(|it| {
            json!({
                "name": it.case.name(),
                "about": it.case.about(),
                "cpu_us": it.of(|it| it.cpu_us),
                "requests_per_second": it.of(|it| it.requests_per_second),
                "p50_us": it.of(|it| it.p50_us),
                "p99_us": it.of(|it| it.p99_us),
                "p99_fixed_us": it.of_fixed(|it| it.p99_us),
                "is_fixed_rate_held": it.is_rate_held(self.fixed_rate),
                "rss_mib": it.resident_mib(),
                // One error more and there would be no report.
                "errors": 0,
                "rounds": it.saturated,
                "rounds_fixed": it.fixed,
            })
        });
        let ratios = self
            .ratios()
            .into_iter()
            .map(|(name, ratio, most)| json!({"name": name, "ratio": ratio, "target": most}));
        let amounts = self.amounts.iter().map(|it| {
            let Amount { name, unit, target, rounds } = it;
            let amount = it.median();
            json!({"name": name, "unit": unit, "amount": amount, "target": target, "rounds": rounds})
        });
        json!({
            "bench": self.name,
            "machine": self.machine,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "fixed_rate": self.fixed_rate,
            "cases": cases.collect::<Vec<_>>(),
            "verified": self.verified,
            "amounts": amounts.collect::<Vec<_>>(),
            "left_out": self.left_out,
            "ratios": ratios.collect::<Vec<_>>(),
        })
    }

    /// The ratios that have a target, with the target.
    fn ratios(&self) -> Vec<(String, f64, f64)> {
        let case = |case| self.cases.iter().find(|it| it.case == case);
        let mut ratios = Vec::new();
        for it in &TARGETS {
            if let (Some(measured), Some(base)) = (case(it.case), case(it.base)) {
                let ratio = measured.of(|it| it.cpu_us) / base.of(|it| it.cpu_us);
                ratios.push((it.name.to_owned(), ratio, it.most));
            }
        }
        let p99 = |name| case(name).and_then(|it| it.of_fixed(|it| it.p99_us));
        if let (Some(nginx), Some(rest)) = (p99(Case::Nginx), p99(Case::Rest)) {
            let name = "REST call / bare nginx, p99 at a fixed rate".to_owned();
            ratios.push((name, rest / nginx, 1.2));
        }
        for it in &self.verified {
            let name = format!("token of {} for the first time / bare signature", it.algorithm);
            ratios.push((name, it.first_to_bare, 1.1));
        }
        ratios
    }
}

fn verdict(figure: f64, most: f64) -> &'static str {
    if figure <= most { "within" } else { "OVER" }
}

/// The middle one; of an even number, the mean of the two in the middle.
pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
    let half = figures.len() / 2;
    if figures.len() % 2 == 1 {
        at(half)
    } else {
        f64::midpoint(at(half.saturating_sub(1)), at(half))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest whole number there is, and no number 0"
)]
fn whole(figure: f64) -> u32 {
    figure as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(case: Case, cpu_us: f64) -> Measured {
        let figures =
            Saturated { cpu_us, requests_per_second: 1.0, p50_us: 1.0, p99_us: 1.0, rss_kib: 1 };
        Measured { saturated: vec![figures], ..Measured::new(case) }
    }

    #[test]
    fn a_case_is_judged_by_the_one_that_it_is_compared_with() {
        let machine = Machine {
            cores: 2,
            processor: String::new(),
            memory_mib: 0,
            kernel: String::new(),
            load_before: 0.0,
        };
        let mut report = Report::new("tls", machine, 1, 2);
        let cases = [(Case::NginxTls, 10.0), (Case::NginxHttp2, 20.0), (Case::RestTls, 15.0)];
        report.cases = cases.map(|(case, cpu_us)| measured(case, cpu_us)).into();
        let found = report.ratios();
        let name = "REST call over TLS 1.3 / nginx with TLS, CPU".to_owned();
        assert_eq!(found, [(name, 1.5, 1.3)]);
        assert_eq!(verdict(1.5, 1.3), "OVER");
        assert_eq!(verdict(1.3, 1.3), "within");
    }

    #[test]
    fn a_median_is_not_moved_by_one_bad_round() {
        assert_eq!(median(vec![20.0, 900.0, 19.0]), 20.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(vec![]).is_nan());
    }
}
