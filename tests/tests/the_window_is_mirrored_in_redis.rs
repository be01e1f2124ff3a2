//! The context window in a real Redis: sixty seconds of it, in the layout that other tools read. Skips
//! loudly where no redis-server is installed.

use fieldward_agent::mirror::Mirror;
use fieldward_tests::redis::Redis;

#[test]
fn sixty_seconds_are_there_and_a_flush_harms_nothing() {
    let Some(server) = Redis::start() else { return };
    let mirror = Mirror::start(&server.url(), "plant_a").expect("an address");
    let write = |seconds: std::ops::Range<u64>| {
        for second in seconds {
            let before = mirror.written();
            mirror.second(second, format!("{{\"second\":{second}}}"));
            while mirror.written() == before {
                std::thread::yield_now();
            }
        }
    };
    write(1000..1100);
    assert_eq!(server.ask(&["ZCARD", "context:plant_a"]), "60");
    assert_eq!(server.ask(&["ZRANGE", "context:plant_a", "0", "0", "WITHSCORES"]), "{\"second\":1040}\n1040");
    assert!(server.ask(&["TTL", "context:plant_a"]).parse::<u64>().expect("seconds") <= 120);
    server.ask(&["FLUSHALL"]);
    write(1100..1103);
    assert_eq!(server.ask(&["ZCARD", "context:plant_a"]), "3");
    assert_eq!(mirror.dropped(), 0);
}
