//! Which techniques are right for a capture. A capture of one action shows bytes, not intent: beside the
//! technique that its maker named, those are accepted that the same bytes show as well.

/// A word of a capture's name, the technique, and which others the same bytes show.
pub struct Named(pub &'static str, pub &'static str, pub &'static [&'static str]);

const READS: &[&str] = &["T0801", "T0802", "T0861", "T0868", "T0877", "T0882", "T0888", "T0811"];
const WRITES: &[&str] = &["T0855", "T0836", "T0831", "T0835", "T0806", "T0848"];
const PUBLISHES: &[&str] = &["T0855", "T0836", "T0831", "T0848", "T0856"];
const ENTERS: &[&str] = &["T0859", "T0812", "T0849", "T0848"];
const DISCOVERS: &[&str] = &["T0846", "T0840", "T0888"];
const SILENCES: &[&str] = &["T0814", "T0813", "T0815", "T0804", "T0803", "T0816"];
const COMMANDS: &[&str] = &["T0869", "T0884", "T0885", "T0882"];
const EXPLOITS: &[&str] = &["T0819", "T0866", "T0820"];

/// What a whole capture shows, by a part of its file name.
pub const WHOLE: &[Named] = &[
    Named("bruteforce", "T0859", &["T0812", "T0806", "T0866"]),
    Named("mqttset_flood", "T0814", SILENCES),
    Named("malariados", "T0814", SILENCES),
    Named("slowite", "T0814", SILENCES),
    Named("malformed", "T0814", &["T0819", "T0866", "T0820"]),
    Named("SQLinj", "T0819", EXPLOITS),
    Named("sql_injection", "T0819", EXPLOITS),
    Named("xss", "T0819", &["T0866", "T0817"]),
    Named("clearlogin", "T0859", ENTERS),
    Named("directorytraversal", "T0819", &["T0866", "T0811", "T0882"]),
    Named("iodine", "T0869", COMMANDS),
    Named("dns2tcp", "T0869", COMMANDS),
    Named("test-cc", "T0869", COMMANDS),
    Named("channel", "T0869", COMMANDS),
    Named("fingerprinting", "T0888", DISCOVERS),
    Named("scan", "T0846", DISCOVERS),
    Named("test8-malicious", "T0846", DISCOVERS),
    Named("T0800", "T0800", &["T0855", "T0857", "T0858", "T0816", "T0843"]),
    Named("T0802", "T0802", READS),
    Named("T0803", "T0803", SILENCES),
    Named("T0806__brute_force_io__modbus", "T0806", WRITES),
    Named("T0806", "T0806", PUBLISHES),
    Named("T0809", "T0809", WRITES),
    Named("T0811", "T0811", READS),
    Named("T0812", "T0812", ENTERS),
    Named("T0813", "T0813", &["T0814", "T0815", "T0849", "T0859"]),
    Named("T0816", "T0816", &["T0855", "T0858", "T0814"]),
    Named("T0819", "T0819", EXPLOITS),
    Named("T0820", "T0820", &["T0866", "T0888", "T0846"]),
    Named("T0822", "T0822", &["T0886", "T0848", "T0855"]),
    Named("setpoint_drift", "T0828", WRITES),
    Named("T0828", "T0828", PUBLISHES),
    Named("T0829", "T0829", SILENCES),
    Named("T0830", "T0830", WRITES),
    Named("T0831", "T0831", WRITES),
    Named("T0835", "T0835", WRITES),
    Named("T0837", "T0837", &["T0838", "T0855", "T0836", "T0831", "T0878"]),
    Named("T0838", "T0838", &["T0855", "T0836", "T0831", "T0878"]),
    Named("T0840", "T0840", &["T0846", "T0861", "T0801", "T0802"]),
    Named("T0843", "T0843", &["T0889", "T0821", "T0857", "T0855", "T0836"]),
    Named("T0845", "T0845", READS),
    Named("T0846", "T0846", DISCOVERS),
    Named("T0848__rogue_master__modbus", "T0848", WRITES),
    Named("T0848", "T0848", &["T0855", "T0856", "T0859", "T0849"]),
    Named("T0849", "T0849", ENTERS),
    Named("T0855__unauth_command__modbus", "T0855", WRITES),
    Named("T0855", "T0855", PUBLISHES),
    Named("spoof_reporting__modbus", "T0856", WRITES),
    Named("T0856", "T0856", &["T0855", "T0849", "T0848"]),
    Named("T0858", "T0858", &["T0855", "T0816", "T0836"]),
    Named("T0859", "T0859", ENTERS),
    Named("T0861", "T0861", READS),
    Named("T0866", "T0866", &["T0819", "T0820", "T0814"]),
    Named("T0867", "T0867", &["T0843", "T0855", "T0866"]),
    Named("T0868", "T0868", READS),
    Named("T0869", "T0869", COMMANDS),
    Named("T0877", "T0877", READS),
    Named("T0878", "T0878", &["T0838", "T0855", "T0836", "T0831"]),
    Named("T0880", "T0880", &["T0837", "T0838", "T0855", "T0836", "T0831"]),
    Named("T0882", "T0882", READS),
    Named("T0885", "T0885", &["T0869", "T0866", "T0884"]),
    Named("T0886", "T0886", &["T0822", "T0848", "T0855"]),
    Named("T0888", "T0888", DISCOVERS),
    Named("T0889", "T0889", &["T0843", "T0821", "T0855", "T0836"]),
    Named("T0892", "T0892", WRITES),
];

/// What a labelled stretch shows, by its name.
pub const STRETCHES: &[Named] = &[
    Named("address scan", "T0846", DISCOVERS),
    Named("function code scan", "T0888", &["T0846", "T0861"]),
    Named("device identification", "T0888", &["T0846", "T0861"]),
    Named("sensor read", "T0861", READS),
    Named("sporadic injection", "T0855", &["T0836", "T0831", "T0806", "T0835", "T0856"]),
    Named("force listen mode", "T0814", SILENCES),
    Named("restart communication", "T0816", SILENCES),
    Named("uploading exe", "T0867", &["T0866", "T0869", "T0885", "T0884"]),
    Named("moving two files", "T0867", &["T0866", "T0869", "T0885", "T0884"]),
    Named("characterization", "T0861", READS),
    Named("controller silent", "T0814", SILENCES),
];

/// The first entry that a name holds.
pub fn named(list: &'static [Named], name: &str) -> Option<&'static Named> {
    list.iter().find(|Named(word, ..)| name.contains(word))
}
