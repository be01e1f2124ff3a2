// Written by scripts/api.mjs from the API's document; not by hand.
export interface paths {
    "/api/activities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_activities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/activities/recent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_recent_activities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/active": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_active_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["change_alerts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["export_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_closed_alerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_alert_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{alert_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_alert"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{alert_id}/acknowledge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["acknowledge_alert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{alert_id}/dismiss": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["dismiss_alert"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{alert_id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_alert_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{alert_id}/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: operations["set_alert_status"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/analytics/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_analytics_overview"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/analytics/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_analytics_summary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/analytics/trends/{metric}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_analytics_trend"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["verify_audit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/oidc/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["oidc_callback"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/oidc/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["oidc_login"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["setup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/ws-ticket": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["get_socket_ticket"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/business/cost": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_cost"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/business/kpi": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_kpi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/business/sla": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_sla"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/charts/performance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_performance_chart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/charts/requests": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_request_chart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/charts/threats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_threat_chart"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/context/{alert_id}/evidence": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_alert_evidence"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/context/{alert_id}/timeline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_alert_timeline"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/context/{facility_id}/current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_current_context"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/demo/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["reset_demo"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/demo/scenarios/fl-round": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["demo_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/demo/scenarios/multi-stage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["demo_multi_stage"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/demo/scenarios/port-scan": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["demo_port_scan"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/demo/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_demo_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/drift": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_drift"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/drift/round": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["trigger_round_of_drift"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/facilities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_facilities"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_fl_clients"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/clients/{client_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_fl_client"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/privacy-metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_privacy_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/rounds": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_rounds"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/rounds/current": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_current_round"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/rounds/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_round_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/rounds/trigger": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["trigger_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/rounds/{round_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_round"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/rounds/{round_id}/abort": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["abort_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/rounds/{round_id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["pause_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fl/rounds/{round_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["resume_round"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fleet/agents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_agents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/fleet/agents/{agent_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_agent"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/incidents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_incidents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/incidents/{incident_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_incident"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_jobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/items": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_job_items"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{job_id}/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["undo_job"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_keys"];
        put?: never;
        post: operations["add_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/keys/{key_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: operations["revoke_key"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics/historical": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_historical_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/metrics/realtime": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_realtime_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mitre/graph": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_attack_graph"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mitre/layer": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_attack_layer"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/mitre/technique/{technique_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_technique"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_models"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/versions/{version_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/versions/{version_id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["export_version"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/versions/{version_id}/performance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_version_performance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/versions/{version_id}/promote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["promote_version"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/models/versions/{version_id}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["roll_back_version"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/outputs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["outputs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/predictions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_predictions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/predictions/latest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_latest_prediction"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/predictions/predict": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["predict"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/predictions/{prediction_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_prediction"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/privacy/classification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_classification"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/privacy/pseudonymise": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["pseudonymise"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/privacy/report": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_privacy_report"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/security/checks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_security_checks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/security/checks/{check_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_security_check"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/security/checks/{check_id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["run_security_check"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/security/compliance-score": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_compliance_score"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/system/status": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_system_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/threats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_threats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/threats/recent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_recent_threats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/threats/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_threat_stats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/threats/type/{type}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_threats_of_type"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/traffic": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_traffic"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/traffic/endpoint/{endpoint}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_endpoint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/traffic/endpoints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_endpoints"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/traffic/recent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_recent_traffic"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/training/configuration": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_training_configuration"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/training/configuration/{network}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put: operations["set_training_configuration"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/training/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_training_jobs"];
        put?: never;
        post: operations["start_training"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/training/jobs/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_training_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/training/jobs/{job_id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_training_log"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/training/jobs/{job_id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: operations["stop_training"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["list_users"];
        put?: never;
        post: operations["add_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["change_user"];
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs.css": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["docs_style"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs.js": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["docs_script"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["livez"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["get_figures"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["openapi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readyz"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["setup_page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/setup.js": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["setup_script"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ws": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["listen"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Act: {
            action: string;
            actor: string;
            detail: string;
            hash: string;
            /** Format: int64 */
            id: number;
            object: string;
            timestamp: components["schemas"]["Time"];
        };
        ActBody: {
            actor: string;
            /** Format: uuid */
            alert_id: string;
            facility_id: string;
            from: components["schemas"]["StatusName"];
            reason: string;
            timestamp: components["schemas"]["Time"];
            to: components["schemas"]["StatusName"];
        };
        ActivityPage: {
            activities: components["schemas"]["ActBody"][];
            /** Format: int32 */
            limit: number;
            /** Format: int32 */
            page: number;
            /** Format: int64 */
            pages: number;
            /** Format: int64 */
            total: number;
        };
        Acts: {
            acts: components["schemas"]["Act"][];
            /** Format: int64 */
            next_before?: number | null;
        };
        AddKey: {
            /**
             * Format: int32
             * @default 90
             */
            days: number;
            facilities: components["schemas"]["Seen"][];
            name: string;
            role: components["schemas"]["Role"];
        };
        AddUser: {
            facilities: components["schemas"]["Seen"][];
            name: string;
            /** Format: password */
            password: string;
            role: components["schemas"]["Role"];
        };
        AgentBody: {
            address?: string | null;
            /** Format: double */
            clock_offset_ms?: number | null;
            connected_since?: components["schemas"]["Time"] | null;
            /** Format: int64 */
            contradicted: number;
            created: components["schemas"]["Time"];
            /** Format: int64 */
            duplicates: number;
            enrolment: string;
            facility_id: string;
            health?: components["schemas"]["HealthBody"] | null;
            /** Format: uuid */
            id: string;
            last_seen?: components["schemas"]["Time"] | null;
            /** Format: double */
            round_trip_ms?: number | null;
            status: string;
            transport?: string | null;
            version?: string | null;
        };
        AgentDrift: {
            /** Format: uuid */
            agent_id: string;
            facility_id: string;
            features: components["schemas"]["Moved"][];
            model_error?: components["schemas"]["DriftOfModel"] | null;
            status?: string | null;
        };
        Agents: {
            agents: components["schemas"]["AgentBody"][];
        };
        Alert: {
            attack_name?: string | null;
            attack_type?: string | null;
            candidates: components["schemas"]["Likely"][];
            context_analysis?: components["schemas"]["Context"] | null;
            /** Format: float */
            correlation_confidence: number;
            correlation_summary: string;
            /** Format: int64 */
            count: number;
            description: string;
            dst_assets: string[];
            facility_id: string;
            first_seen: components["schemas"]["Time"];
            /** Format: uuid */
            id: string;
            last_seen: components["schemas"]["Time"];
            maintenance?: string | null;
            protocol: string;
            received_at: components["schemas"]["Time"];
            /** Format: int64 */
            revision: number;
            severity: components["schemas"]["SeverityName"];
            sources: components["schemas"]["Source"][];
            src_assets: string[];
            status: components["schemas"]["StatusName"];
            tactic?: string | null;
            timestamp: components["schemas"]["Time"];
            title: string;
        };
        AlertActs: {
            acts: components["schemas"]["ActBody"][];
        };
        AlertPage: components["schemas"]["Page"] & {
            alerts: components["schemas"]["Alert"][];
            as_of: components["schemas"]["Time"];
            /** Format: int64 */
            searched?: number | null;
        };
        AlertStats: {
            as_of: components["schemas"]["Time"];
            by_severity: {
                [key: string]: number;
            };
            by_status: {
                [key: string]: number;
            };
            /** Format: int64 */
            critical: number;
            /** Format: int64 */
            false_positives: number;
            /** Format: int64 */
            total: number;
            /** Format: int64 */
            unresolved: number;
        };
        Alive: {
            status: string;
        };
        AllSettings: {
            networks: components["schemas"]["NetworkSettings"][];
            strategies: components["schemas"]["StrategyBody"][];
        };
        AttackGraphData: {
            as_of: components["schemas"]["Time"];
            links: components["schemas"]["AttackGraphLink"][];
            matrix: components["schemas"]["MatrixTactic"][];
            nodes: components["schemas"]["AttackGraphNode"][];
            version: string;
        };
        AttackGraphLink: {
            /** Format: double */
            probability: number;
            source: string;
            target: string;
        };
        AttackGraphNode: {
            id: string;
            name: string;
            /** Format: double */
            probability: number;
            tactic: string;
            type: components["schemas"]["NodeKind"];
        };
        Before: {
            actor: string;
            evidence: Record<string, never>;
            result: string;
            summary: string;
            timestamp: components["schemas"]["Time"];
        };
        /** @enum {string} */
        BulkAction: "acknowledge" | "resolve" | "dismiss";
        BulkChange: {
            action: components["schemas"]["BulkAction"];
            /** Format: int64 */
            expected_count?: number | null;
            ids?: string[] | null;
            query?: components["schemas"]["BulkQuery"] | null;
            reason?: string | null;
        };
        BulkQuery: {
            facility?: string | null;
            range?: string | null;
            search?: string | null;
            severity?: string | null;
            since?: string | null;
            status?: string | null;
            technique?: string | null;
            until?: string | null;
        };
        BusinessTimes: {
            name: string;
            time_to_acknowledge: components["schemas"]["Spread"];
            time_to_detect?: components["schemas"]["Spread"] | null;
            time_to_resolve: components["schemas"]["Spread"];
        };
        ChangeUser: {
            disabled?: boolean | null;
            facilities?: components["schemas"]["Seen"][] | null;
            /** Format: password */
            password?: string | null;
            role?: components["schemas"]["Role"] | null;
        };
        CheckBody: {
            about: string;
            checked_at: components["schemas"]["Time"];
            evidence: Record<string, never>;
            id: string;
            remedy?: string | null;
            requirements: components["schemas"]["Requirement"][];
            result: components["schemas"]["CheckResult"];
            summary: string;
            title: string;
            /** Format: int32 */
            weight: number;
        };
        CheckHistory: {
            check: components["schemas"]["CheckBody"];
            history: components["schemas"]["Before"][];
        };
        CheckList: {
            as_of: components["schemas"]["Time"];
            checks: components["schemas"]["CheckBody"][];
            totals: {
                [key: string]: number;
            };
        };
        /** @enum {string} */
        CheckResult: "pass" | "warn" | "fail" | "unknown";
        Classification: {
            as_of: components["schemas"]["Time"];
            fields: components["schemas"]["Field"][];
            totals: {
                [key: string]: number;
            };
            unknown: {
                [key: string]: string;
            };
        };
        Compared: {
            /** Format: double */
            change_percent?: number | null;
            /** Format: int64 */
            previous: number;
            /** Format: int64 */
            total: number;
        };
        Compliance: {
            as_of: components["schemas"]["Time"];
            checks: components["schemas"]["Part"][];
            /** Format: int64 */
            failed: number;
            formula: string;
            history: components["schemas"]["Past"][];
            /** Format: int64 */
            passed: number;
            requirements: components["schemas"]["Coverage"][];
            /** Format: double */
            score?: number | null;
            standard: string;
            /** Format: int64 */
            unknown: number;
            /** Format: int64 */
            warned: number;
        };
        Context: {
            behavior: string;
            duration: string;
            evidence: {
                [key: string]: string;
            };
            pattern: string;
            timeline: components["schemas"]["Point"][];
        };
        Cost: {
            currency?: string | null;
            since: components["schemas"]["Time"];
            /** Format: int64 */
            stored_bytes?: number | null;
            /** Format: double */
            stored_cost?: number | null;
            /** Format: double */
            total_cost?: number | null;
            unknown: {
                [key: string]: string;
            };
            until: components["schemas"]["Time"];
            /** Format: int64 */
            watched_bytes: number;
            /** Format: double */
            watched_cost?: number | null;
        };
        CountedTechnique: {
            /** Format: double */
            probability: number;
            technique_id: string;
        };
        Coverage: {
            checks: string[];
            id: string;
            name: string;
            result: components["schemas"]["CheckResult"];
        };
        Current: {
            /** Format: uuid */
            agent_id: string;
            as_of: components["schemas"]["Time"];
            facility_id: string;
            features: {
                [key: string]: {
                    [key: string]: number;
                };
            };
            metrics?: components["schemas"]["Metrics"] | null;
            seconds: components["schemas"]["Second"][];
            window_duration: string;
        };
        /** @enum {string} */
        DataClass: "operational" | "plant" | "personal" | "credential" | "unclassified";
        /** @enum {string} */
        DataSource: "agents" | "people" | "aggregator";
        DemoBegun: {
            scenario: components["schemas"]["DemoScenario"];
            /** Format: uuid */
            scenario_id: string;
            status: string;
        };
        DemoReset: {
            status: string;
            stopped: number;
        };
        DemoRound: {
            /** Format: int64 */
            round_id: number;
            scenario: components["schemas"]["DemoScenario"];
            /** Format: uuid */
            scenario_id: string;
            status: string;
        };
        DemoScenario: {
            attack?: string | null;
            attack_type?: string | null;
            detail?: string | null;
            facility_id?: string | null;
            /** Format: double */
            progress: number;
            /** Format: int64 */
            round_id?: number | null;
            scenario: string;
            /** Format: uuid */
            scenario_id: string;
            started_at: components["schemas"]["Time"];
            started_by: string;
            status: string;
            /** Format: int32 */
            steps: number;
            /** Format: int32 */
            steps_done: number;
            updated_at: components["schemas"]["Time"];
        };
        DemoSimulator: {
            connected_since: components["schemas"]["Time"];
            facility_id: string;
            plant: string;
            /** Format: uuid */
            simulator_id: string;
            version: string;
        };
        DemoStatus: {
            active_scenarios: components["schemas"]["DemoScenario"][];
            as_of: components["schemas"]["Time"];
            last_scenario?: components["schemas"]["DemoScenario"] | null;
            simulators: components["schemas"]["DemoSimulator"][];
        };
        DemoWish: {
            facility_id: string;
        };
        DriftOfModel: {
            /** Format: double */
            now: number;
            /** Format: double */
            times: number;
            /** Format: double */
            usual: number;
        };
        Drifts: {
            agents: components["schemas"]["AgentDrift"][];
            as_of: components["schemas"]["Time"];
            /** Format: double */
            moved_above: number;
            /** Format: double */
            moving_above: number;
            unknown: {
                [key: string]: string;
            };
        };
        Duty: {
            result: components["schemas"]["CheckResult"];
            summary: string;
            title: string;
        };
        EndpointBody: components["schemas"]["RequestCounts"] & {
            by_method: components["schemas"]["RequestsOfMethod"][];
            by_server: components["schemas"]["RequestsOfServer"][];
            by_status: components["schemas"]["RequestsOfStatus"][];
            endpoint: string;
            points: components["schemas"]["EndpointPoint"][];
            /** Format: int64 */
            resolution_seconds: number;
            since: components["schemas"]["Time"];
            until: components["schemas"]["Time"];
        };
        EndpointPoint: components["schemas"]["RequestCounts"] & {
            timestamp: components["schemas"]["Time"];
        };
        Endpoints: {
            endpoints: components["schemas"]["ListedEndpoint"][];
            since: components["schemas"]["Time"];
            until: components["schemas"]["Time"];
        };
        Evidence: {
            failed_connections?: string | null;
            figures: {
                [key: string]: string;
            };
            packets_per_sec?: string | null;
            protocol_distribution?: string | null;
            unique_dest_ips?: string | null;
        };
        EvidenceBody: {
            /** Format: uuid */
            alert_id: string;
            evidence: components["schemas"]["Evidence"];
            pattern_analysis?: components["schemas"]["Pattern"] | null;
            timeline: components["schemas"]["Point"][];
            unknown: {
                [key: string]: string;
            };
        };
        ExpectedIn: {
            /**
             * Format: double
             * @default 0
             */
            high_seconds: number;
            /** @default false */
            is_broad: boolean;
            /**
             * Format: int64
             * @default 0
             */
            known_intervals: number;
            /**
             * Format: double
             * @default 0
             */
            low_seconds: number;
            /**
             * Format: double
             * @default 0
             */
            median_seconds: number;
            /**
             * Format: int64
             * @default 0
             */
            own_intervals: number;
        };
        Facilities: {
            facilities: components["schemas"]["FacilityBody"][];
        };
        FacilityAlerts: {
            /** Format: int64 */
            count: number;
            /** Format: int64 */
            critical: number;
            facility_id: string;
            /** Format: int64 */
            unresolved: number;
        };
        FacilityBody: {
            agents: number;
            connected: number;
            id: string;
            last_seen?: components["schemas"]["Time"] | null;
            name: string;
            status: string;
        };
        Failure: {
            code: string;
            /** Format: uuid */
            id: string;
        };
        Fault: {
            code: string;
            detail: string;
            pointer: string;
        };
        Field: {
            class: components["schemas"]["DataClass"];
            field: string;
            kept: string;
            /** Format: int32 */
            kept_days?: number | null;
            source?: components["schemas"]["DataSource"] | null;
            table: string;
        };
        First: {
            name: string;
            /** Format: password */
            password: string;
            secret: string;
        };
        FlAbort: {
            reason: string;
        };
        FlBegun: {
            round: components["schemas"]["FlRound"];
            /** Format: int64 */
            round_id: number;
            status: string;
        };
        FlClient: {
            accepts?: boolean | null;
            /** Format: double */
            accuracy?: number | null;
            /** Format: int64 */
            current_epoch: number;
            /** Format: double */
            epsilon?: number | null;
            facility_id: string;
            /** Format: uuid */
            id: string;
            last_update?: components["schemas"]["Time"] | null;
            /** Format: double */
            loss?: number | null;
            name: string;
            /** Format: int64 */
            progress: number;
            reason?: string | null;
            /** Format: int64 */
            round_number?: number | null;
            /** Format: int64 */
            rounds_left?: number | null;
            stage?: string | null;
            status: string;
            /** Format: int64 */
            total_epochs: number;
            unknown: {
                [key: string]: string;
            };
        };
        FlClientDetail: components["schemas"]["FlClient"] & {
            feature_schema?: string | null;
            models?: string[] | null;
            rounds: components["schemas"]["FlClient"][];
        };
        FlHistory: {
            is_cut: boolean;
            rounds: components["schemas"]["FlRoundPoint"][];
            since: components["schemas"]["Time"];
            until: components["schemas"]["Time"];
        };
        FlPrivacyMetrics: {
            as_of: components["schemas"]["Time"];
            data_size?: string | null;
            delta?: string | null;
            encryption: string;
            /** Format: double */
            epsilon?: number | null;
            facilities: components["schemas"]["FlPrivacyOfPlant"][];
            /** Format: double */
            privacy_budget_remaining?: number | null;
            /** Format: int64 */
            rounds_left?: number | null;
            unit: string;
            unknown: {
                [key: string]: string;
            };
        };
        FlPrivacyOfPlant: {
            /** Format: double */
            budget?: number | null;
            /** Format: uuid */
            client_id: string;
            /** Format: double */
            delta?: number | null;
            /** Format: double */
            epsilon?: number | null;
            facility_id: string;
            /** Format: double */
            remaining?: number | null;
            /** Format: int64 */
            round_number: number;
            /** Format: int64 */
            rounds_left?: number | null;
        };
        FlRound: {
            /** Format: int32 */
            attempt: number;
            /** Format: int64 */
            base_version?: number | null;
            /** Format: int64 */
            candidate_version?: number | null;
            cause: string;
            clients?: components["schemas"]["FlClient"][] | null;
            /** Format: int64 */
            clients_active: number;
            /** Format: double */
            duration_seconds: number;
            end_time?: components["schemas"]["Time"] | null;
            /** Format: int64 */
            epoch: number;
            /** Format: double */
            epsilon?: number | null;
            /** Format: int64 */
            id: number;
            /** Format: double */
            model_accuracy?: number | null;
            network: string;
            paused: boolean;
            phase: string;
            planned_time: components["schemas"]["Time"];
            /** Format: int64 */
            progress: number;
            reason?: string | null;
            requested_by: string;
            /** Format: int64 */
            round_number: number;
            settings: Record<string, never>;
            start_time: components["schemas"]["Time"];
            status: string;
            stop?: components["schemas"]["FlStop"] | null;
            strategy: string;
            /** Format: int64 */
            total_clients: number;
            unknown: {
                [key: string]: string;
            };
        };
        FlRoundPoint: {
            /** Format: int64 */
            clients_active: number;
            /** Format: double */
            duration_seconds: number;
            /** Format: double */
            epsilon?: number | null;
            /** Format: double */
            model_accuracy?: number | null;
            network: string;
            reason?: string | null;
            /** Format: int64 */
            round_number: number;
            status: string;
            timestamp: components["schemas"]["Time"];
            /** Format: int64 */
            total_clients: number;
        };
        FlRounds: {
            as_of: components["schemas"]["Time"];
            rounds: components["schemas"]["FlRound"][];
            /** Format: int64 */
            total: number;
        };
        FlStop: {
            by: string;
            reason: string;
        };
        Goal: {
            /** Format: double */
            attainment?: number | null;
            goal: string;
            /** Format: int64 */
            late?: number | null;
            /** Format: int64 */
            met?: number | null;
            /** Format: int64 */
            overdue?: number | null;
            severity: string;
            /** Format: int32 */
            target_minutes?: number | null;
        };
        Health: {
            degraded: string[];
            /** Format: int32 */
            score: number;
            services: {
                [key: string]: string;
            };
            status: string;
        };
        HealthBody: {
            /** Format: float */
            capture_loss: number;
            /** Format: float */
            cpu_percent: number;
            /** Format: int64 */
            disk_free_bytes: number;
            /** Format: int64 */
            kernel_drops: number;
            /** Format: int64 */
            memory_bytes: number;
            memory_only: boolean;
            models: string[];
            /** Format: int64 */
            seconds_dropped: number;
            /** Format: int64 */
            spool_bytes: number;
            /** Format: int64 */
            spool_records: number;
            state: string;
        };
        Historical: {
            points: components["schemas"]["TrafficPoint"][];
            requests: components["schemas"]["WebPoint"][];
            /** Format: int64 */
            requests_resolution_seconds: number;
            /** Format: int64 */
            resolution_seconds: number;
            since: components["schemas"]["Time"];
            until: components["schemas"]["Time"];
        };
        Incident: {
            /** Format: int64 */
            alert_count: number;
            assets: string[];
            /** Format: uuid */
            campaign_id: string;
            facility_id: string;
            first_seen: components["schemas"]["Time"];
            /** Format: uuid */
            id: string;
            last_seen: components["schemas"]["Time"];
            severity: components["schemas"]["SeverityName"];
            stage?: string | null;
            techniques: components["schemas"]["SeenTechnique"][];
        };
        IncidentAlert: {
            /** Format: uuid */
            alert_id: string;
            severity?: components["schemas"]["SeverityName"] | null;
            tactic?: string | null;
            technique_id?: string | null;
            timestamp: components["schemas"]["Time"];
            title?: string | null;
        };
        IncidentDetail: components["schemas"]["Incident"] & {
            as_of: components["schemas"]["Time"];
            predictions: components["schemas"]["Prediction"][];
            timeline: components["schemas"]["IncidentAlert"][];
        };
        IncidentPage: {
            as_of: components["schemas"]["Time"];
            incidents: components["schemas"]["Incident"][];
            /** Format: int64 */
            total: number;
        };
        ItemBody: {
            /** Format: uuid */
            alert_id: string;
            /** Format: int64 */
            nth: number;
            result: string;
            status_before?: components["schemas"]["StatusName"] | null;
        };
        Items: {
            items: components["schemas"]["ItemBody"][];
            /** Format: int64 */
            next_from?: number | null;
        };
        JobBody: {
            actor: string;
            created: components["schemas"]["Time"];
            /** Format: int64 */
            done: number;
            failed: components["schemas"]["Failure"][];
            finished?: components["schemas"]["Time"] | null;
            /** Format: uuid */
            id: string;
            kind: string;
            reason: string;
            results: {
                [key: string]: number;
            };
            state: string;
            status: components["schemas"]["StatusName"];
            /** Format: int64 */
            total: number;
            undo_until?: components["schemas"]["Time"] | null;
        };
        JobList: {
            jobs: components["schemas"]["JobBody"][];
        };
        KeyBody: {
            created: components["schemas"]["Time"];
            created_by: string;
            expires: components["schemas"]["Time"];
            facilities: string[];
            /** Format: uuid */
            id: string;
            last_used?: components["schemas"]["Time"] | null;
            name: string;
            revoked?: components["schemas"]["Time"] | null;
            role: components["schemas"]["Role"];
        };
        KeyList: {
            keys: components["schemas"]["KeyBody"][];
        };
        Kpi: {
            /** Format: int64 */
            acts_examined: number;
            analysts?: components["schemas"]["BusinessTimes"][] | null;
            /** Format: int64 */
            detections_examined: number;
            facilities: components["schemas"]["BusinessTimes"][];
            /** Format: double */
            false_positive_rate?: number | null;
            is_sample: boolean;
            /** Format: int64 */
            open: number;
            since: components["schemas"]["Time"];
            time_to_acknowledge: components["schemas"]["Spread"];
            time_to_detect: components["schemas"]["Spread"];
            time_to_resolve: components["schemas"]["Spread"];
            unknown: {
                [key: string]: string;
            };
            until: components["schemas"]["Time"];
        };
        Latest: {
            as_of: components["schemas"]["Time"];
            prediction?: components["schemas"]["Prediction"] | null;
        };
        Likely: {
            /** Format: float */
            probability: number;
            technique: string;
        };
        Linked: {
            id: string;
            kind: string;
            name: string;
        };
        ListedEndpoint: components["schemas"]["RequestCounts"] & {
            endpoint: string;
            method: string;
        };
        Log: {
            lines: components["schemas"]["LogLine"][];
            /** Format: int32 */
            next_from?: number | null;
        };
        LogLine: {
            /** Format: uuid */
            agent_id?: string | null;
            /** Format: int32 */
            attempt: number;
            detail?: string | null;
            event: string;
            facility_id?: string | null;
            timestamp: components["schemas"]["Time"];
        };
        Login: {
            name: string;
            /** Format: password */
            password: string;
        };
        MatrixTactic: {
            id: string;
            name: string;
            techniques: components["schemas"]["MatrixTechnique"][];
        };
        MatrixTechnique: {
            id: string;
            name: string;
            visible: string;
        };
        Me: {
            facilities: string[];
            /** Format: uuid */
            id: string;
            name: string;
            role: components["schemas"]["Role"];
            via: string;
        };
        Metrics: {
            /** Format: double */
            avg_packet_size?: number | null;
            /** Format: double */
            bytes_per_sec: number;
            /** Format: int64 */
            failed_connections: number;
            /** Format: int32 */
            most_packets_per_sec: number;
            /** Format: double */
            packets_per_sec: number;
            /** Format: double */
            protocol_distribution: number;
            seconds: number;
            /** Format: int32 */
            unique_dest_ips: number;
            /** Format: int32 */
            unique_src_ips: number;
        };
        Model: {
            /** Format: int64 */
            agents: number;
            facilities: string[];
            name: string;
        };
        ModelGeneration: {
            agents: string[];
            created: components["schemas"]["Time"];
            digest: string;
            /** Format: double */
            epsilon?: number | null;
            /** Format: int64 */
            plants?: number | null;
            /** Format: int64 */
            round?: number | null;
            strategy?: string | null;
            /** Format: int64 */
            version: number;
        };
        ModelLeftOut: {
            /** Format: uuid */
            agent_id: string;
            facility_id: string;
            reason: string;
            /** Format: int64 */
            round: number;
        };
        ModelPerformance: {
            /** Format: int64 */
            accepts?: number | null;
            /** Format: double */
            accuracy?: number | null;
            metrics: Record<string, never>;
            plants: components["schemas"]["FlClient"][];
            /** Format: double */
            previous_accuracy?: number | null;
            /** Format: int64 */
            refuses?: number | null;
            unknown: {
                [key: string]: string;
            };
            /** Format: int64 */
            version: number;
        };
        ModelReason: {
            reason: string;
        };
        ModelVersion: {
            /** Format: double */
            accuracy?: number | null;
            created: components["schemas"]["Time"];
            digest: string;
            feature_schema: string;
            /** Format: int64 */
            id: number;
            is_current: boolean;
            layout: string;
            made_by: string;
            network: string;
            /** Format: int64 */
            parameters: number;
            parents: number[];
            promoted?: components["schemas"]["Time"] | null;
            reason?: string | null;
            rolled_back?: components["schemas"]["Time"] | null;
            /** Format: int64 */
            round?: number | null;
            state: string;
            strategy?: string | null;
        };
        ModelVersionDetail: components["schemas"]["ModelVersion"] & {
            left_out: components["schemas"]["ModelLeftOut"][];
            lineage: components["schemas"]["ModelGeneration"][];
        };
        ModelVersions: {
            as_of: components["schemas"]["Time"];
            current: {
                [key: string]: number;
            };
            /** Format: int64 */
            next_before?: number | null;
            versions: components["schemas"]["ModelVersion"][];
        };
        Models: {
            /** Format: double */
            accuracy?: number | null;
            /** Format: int64 */
            agents: number;
            as_of: components["schemas"]["Time"];
            models: components["schemas"]["Model"][];
            unknown: {
                [key: string]: string;
            };
            /** Format: int64 */
            version?: number | null;
        };
        Moved: {
            differs?: boolean | null;
            /** Format: double */
            distance?: number | null;
            feature: string;
            /** Format: double */
            index: number;
            /** Format: double */
            p_value?: number | null;
            status: string;
        };
        MovedTo: {
            id: string;
            name: string;
            version: string;
        };
        Nameless: {
            replaced: {
                [key: string]: number;
            };
            text: string;
        };
        NetworkSettings: {
            changed: components["schemas"]["Time"];
            changed_by: string;
            network: string;
            /** Format: int64 */
            revision: number;
            settings: components["schemas"]["TrainingSettings"];
            strategy: string;
        };
        NewKey: {
            key: components["schemas"]["KeyBody"];
            secret: string;
        };
        NewSettings: {
            settings?: components["schemas"]["TrainingSettings"];
            strategy: string;
        };
        /** @enum {string} */
        NextStatus: "acknowledged" | "resolved" | "false-positive";
        NextTactic: {
            /** Format: double */
            probability: number;
            tactic: string;
        };
        /** @enum {string} */
        NodeKind: "current" | "predicted";
        Output: {
            error?: string | null;
            failing_since?: components["schemas"]["Time"] | null;
            last_told?: components["schemas"]["Time"] | null;
            name: string;
            place: string;
            /** Format: int64 */
            refused: number;
            status: string;
            /** Format: int64 */
            told: number;
        };
        Outputs: {
            outputs: components["schemas"]["Output"][];
        };
        Overview: {
            /** Format: int64 */
            active_alerts: number;
            agents_connected: number;
            agents_known: number;
            alerts: components["schemas"]["Compared"];
            critical: components["schemas"]["Compared"];
            response: components["schemas"]["Response"];
            since: components["schemas"]["Time"];
            threats: components["schemas"]["Compared"];
            top_facilities: components["schemas"]["FacilityAlerts"][];
            top_threats: components["schemas"]["ThreatType"][];
            traffic: components["schemas"]["TrafficTotals"];
            unknown: {
                [key: string]: string;
            };
            until: components["schemas"]["Time"];
        };
        Page: {
            /** Format: int32 */
            limit: number;
            next_cursor?: string | null;
            /** Format: int32 */
            page: number;
            /** Format: int64 */
            pages: number;
            /** Format: int64 */
            total: number;
            total_relation: string;
        };
        Part: {
            id: string;
            /** Format: double */
            points?: number | null;
            result: components["schemas"]["CheckResult"];
            /** Format: int32 */
            weight: number;
        };
        Past: {
            /** Format: int64 */
            failed: number;
            /** Format: int64 */
            passed: number;
            /** Format: double */
            score?: number | null;
            timestamp: components["schemas"]["Time"];
            /** Format: int64 */
            unknown: number;
            /** Format: int64 */
            warned: number;
        };
        Pattern: {
            /** Format: float */
            confidence: number;
            description: string;
            pattern_type: string;
        };
        PerformanceChart: {
            measured_since: components["schemas"]["Time"];
            points: components["schemas"]["PerformancePoint"][];
            /** Format: int64 */
            resolution_seconds: number;
            since: components["schemas"]["Time"];
            until: components["schemas"]["Time"];
        };
        PerformancePoint: components["schemas"]["Times"] & {
            timestamp: components["schemas"]["Time"];
        };
        Point: {
            /** Format: int32 */
            packets_per_sec: number;
            /** Format: float */
            protocol_distribution: number;
            status: string;
            time: components["schemas"]["Time"];
            /** Format: int32 */
            unique_dest_ips: number;
        };
        Precedent: {
            id: string;
            kind: string;
            name: string;
            shared: string[];
        };
        PredictedTechnique: {
            /** Format: double */
            markov: number;
            precedents: components["schemas"]["Precedent"][];
            /** Format: double */
            probability: number;
            /** Format: int32 */
            rank: number;
            shared_assets: string[];
            tactic: string;
            technique_id: string;
            technique_name: string;
            timeframe: string;
        };
        Prediction: {
            /** Format: uuid */
            alert_id?: string | null;
            current_technique: string;
            current_technique_name: string;
            expected_in: components["schemas"]["ExpectedIn"];
            facility_id: string;
            history: string[];
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            incident_id?: string | null;
            is_prior: boolean;
            markov: components["schemas"]["CountedTechnique"][];
            next_tactics: components["schemas"]["NextTactic"][];
            predicted_techniques: components["schemas"]["PredictedTechnique"][];
            recommendations: components["schemas"]["Recommendation"][];
            timestamp: components["schemas"]["Time"];
            validated: boolean;
            validated_technique?: string | null;
            validation_time?: components["schemas"]["Time"] | null;
        };
        PredictionPage: {
            as_of: components["schemas"]["Time"];
            predictions: components["schemas"]["Prediction"][];
            /** Format: int64 */
            total: number;
        };
        PrivacyReport: {
            as_of: components["schemas"]["Time"];
            duties: components["schemas"]["Duty"][];
            fields: {
                [key: string]: number;
            };
            kept_for_good: {
                [key: string]: string;
            };
            stays_at_plants: string[];
        };
        /** @enum {string} */
        PrivacyRule: "ipv4" | "ipv6" | "mac" | "email";
        Problem: {
            code: string;
            detail: string;
            details: unknown;
            error: boolean;
            errors: components["schemas"]["Fault"][];
            instance: string;
            message: string;
            path: string;
            request_id: string;
            /** Format: int32 */
            status: number;
            /** Format: int32 */
            status_code: number;
            timestamp: string;
            title: string;
            type: string;
        };
        Question: {
            after?: string[] | null;
            /** Format: uuid */
            alert_id?: string | null;
            current_technique: string;
        };
        Realtime: {
            /** Format: int64 */
            active_alerts: number;
            agents_connected: number;
            agents_known: number;
            /** Format: int64 */
            alerts_per_minute: number;
            api: components["schemas"]["Times"];
            /** Format: double */
            block_rate?: number | null;
            /** Format: int64 */
            bytes_per_sec?: number | null;
            /** Format: double */
            cpu_percent?: number | null;
            /** Format: int64 */
            failed_connections?: number | null;
            /** Format: int64 */
            memory_bytes?: number | null;
            /** Format: int64 */
            packets_per_sec?: number | null;
            /** Format: int64 */
            requests_per_sec?: number | null;
            timestamp: components["schemas"]["Time"];
            unknown: {
                [key: string]: string;
            };
        };
        Recent: {
            as_of: components["schemas"]["Time"];
            traffic: components["schemas"]["TrafficSecond"][];
        };
        RecentActivities: {
            activities: components["schemas"]["ActBody"][];
            as_of: components["schemas"]["Time"];
        };
        RecentThreats: {
            as_of: components["schemas"]["Time"];
            threats: components["schemas"]["Threat"][];
        };
        Recommendation: {
            kind: string;
            /** Format: int32 */
            order: number;
            techniques: string[];
            text: string;
        };
        RequestChart: {
            points: components["schemas"]["RequestPoint"][];
            /** Format: int64 */
            resolution_seconds: number;
            since: components["schemas"]["Time"];
            unknown: {
                [key: string]: string;
            };
            until: components["schemas"]["Time"];
        };
        RequestCounts: {
            /** Format: int64 */
            answered: number;
            /** Format: int64 */
            bytes: number;
            /** Format: double */
            error_rate?: number | null;
            /** Format: int64 */
            errors: number;
            /** Format: int64 */
            requests: number;
            /** Format: double */
            response_time_max_ms?: number | null;
            /** Format: double */
            response_time_mean_ms?: number | null;
        };
        RequestPoint: {
            /** Format: int64 */
            bytes: number;
            /** Format: int64 */
            errors?: number | null;
            /** Format: int64 */
            failed_connections: number;
            /** Format: int64 */
            packets: number;
            /** Format: int64 */
            requests?: number | null;
            /** Format: double */
            response_time_mean_ms?: number | null;
            timestamp: components["schemas"]["Time"];
        };
        RequestsOfMethod: components["schemas"]["RequestCounts"] & {
            method: string;
        };
        RequestsOfServer: components["schemas"]["RequestCounts"] & {
            facility_id: string;
            server: string;
        };
        RequestsOfStatus: {
            /** Format: int64 */
            requests: number;
            status: string;
        };
        Requirement: {
            id: string;
            name: string;
        };
        Response: {
            /** Format: int64 */
            closed: number;
            /** Format: int64 */
            examined: number;
            /** Format: double */
            false_positive_rate?: number | null;
            /** Format: int64 */
            taken_up: number;
            /** Format: double */
            time_to_acknowledge_p50_seconds?: number | null;
            /** Format: double */
            time_to_acknowledge_p95_seconds?: number | null;
            /** Format: double */
            time_to_resolve_p50_seconds?: number | null;
            /** Format: double */
            time_to_resolve_p95_seconds?: number | null;
        };
        /** @enum {string} */
        Role: "viewer" | "analyst" | "engineer" | "admin";
        RoundWish: {
            network?: string | null;
            settings?: components["schemas"]["TrainingSettings"] | null;
            strategy?: string | null;
        };
        Second: {
            /** Format: int64 */
            bytes_per_sec: number;
            /** Format: int32 */
            failed_connections: number;
            /** Format: int32 */
            packets_per_sec: number;
            /** Format: float */
            protocol_distribution: number;
            time: components["schemas"]["Time"];
            /** Format: int32 */
            unique_dest_ips: number;
            /** Format: int32 */
            unique_src_ips: number;
        };
        Seen: string;
        SeenTechnique: {
            first_seen: components["schemas"]["Time"];
            technique_id: string;
        };
        SetStatus: {
            reason?: string | null;
            status: components["schemas"]["NextStatus"];
        };
        /** @enum {string} */
        SeverityName: "low" | "medium" | "high" | "critical";
        Sla: {
            /** Format: double */
            attainment?: number | null;
            goals: components["schemas"]["Goal"][];
            is_sample: boolean;
            since: components["schemas"]["Time"];
            unknown: {
                [key: string]: string;
            };
            until: components["schemas"]["Time"];
        };
        Source: {
            /** Format: float */
            confidence: number;
            context_evidence: unknown;
            detection_time: components["schemas"]["Time"];
            evidence: string;
            /** Format: int32 */
            layer: number;
            model_name: string;
        };
        Spread: {
            /** Format: int64 */
            count: number;
            /** Format: double */
            max_seconds?: number | null;
            /** Format: double */
            mean_seconds?: number | null;
            /** Format: double */
            p50_seconds?: number | null;
            /** Format: double */
            p90_seconds?: number | null;
        };
        Status: {
            /** Format: int64 */
            active_alerts: number;
            as_of: components["schemas"]["Time"];
            facilities: components["schemas"]["FacilityBody"][];
            /** Format: int64 */
            fl_progress?: number | null;
            /** Format: double */
            prediction_accuracy?: number | null;
            unknown: {
                [key: string]: string;
            };
        };
        /** @enum {string} */
        StatusName: "new" | "acknowledged" | "resolved" | "false-positive";
        StrategyBody: {
            about: string;
            name: string;
            sees_each: boolean;
        };
        Summary: {
            by_facility: components["schemas"]["FacilityAlerts"][];
            by_severity: {
                [key: string]: number;
            };
            by_status: {
                [key: string]: number;
            };
            by_type: components["schemas"]["ThreatType"][];
            /** Format: double */
            false_positive_rate?: number | null;
            response: components["schemas"]["Response"];
            since: components["schemas"]["Time"];
            /** Format: int64 */
            total_alerts: number;
            /** Format: int64 */
            total_threats: number;
            traffic: components["schemas"]["TrafficTotals"];
            unknown: {
                [key: string]: string;
            };
            until: components["schemas"]["Time"];
        };
        TechniqueDetails: {
            affected_assets: string[];
            description: string;
            detection: string;
            domain: string;
            id: string;
            mitigation: string;
            mitigations: components["schemas"]["Linked"][];
            moved_to?: components["schemas"]["MovedTo"] | null;
            name: string;
            platforms: string;
            tactics: string;
            used_by: components["schemas"]["Linked"][];
            version: string;
            visible?: string | null;
        };
        Threat: {
            /** Format: float */
            confidence: number;
            /** Format: int64 */
            count: number;
            description: string;
            dst_assets: string[];
            facility_id: string;
            /** Format: uuid */
            id: string;
            last_seen: components["schemas"]["Time"];
            name: string;
            protocol: string;
            severity: components["schemas"]["SeverityName"];
            src_assets: string[];
            status: components["schemas"]["StatusName"];
            tactic?: string | null;
            timestamp: components["schemas"]["Time"];
            title: string;
            type: string;
            web_attacks: string[];
        };
        ThreatChart: {
            points: components["schemas"]["ThreatPoint"][];
            /** Format: int64 */
            resolution_seconds: number;
            since: components["schemas"]["Time"];
            until: components["schemas"]["Time"];
        };
        ThreatPage: components["schemas"]["Page"] & {
            as_of: components["schemas"]["Time"];
            threats: components["schemas"]["Threat"][];
        };
        ThreatPoint: {
            /** Format: int64 */
            critical: number;
            /** Format: int64 */
            high: number;
            /** Format: int64 */
            low: number;
            /** Format: int64 */
            medium: number;
            timestamp: components["schemas"]["Time"];
            /** Format: int64 */
            total: number;
        };
        ThreatStats: {
            /** Format: int64 */
            blocked?: number | null;
            by_facility: components["schemas"]["FacilityAlerts"][];
            by_severity: {
                [key: string]: number;
            };
            by_status: {
                [key: string]: number;
            };
            by_type: components["schemas"]["ThreatType"][];
            /** Format: int64 */
            critical: number;
            /** Format: int64 */
            previous_total: number;
            since: components["schemas"]["Time"];
            /** Format: int64 */
            total: number;
            unknown: {
                [key: string]: string;
            };
            /** Format: int64 */
            unresolved: number;
            until: components["schemas"]["Time"];
        };
        ThreatType: {
            /** Format: int64 */
            count: number;
            /** Format: int64 */
            critical: number;
            type: string;
            /** Format: int64 */
            unresolved: number;
        };
        Ticket: {
            /** Format: int64 */
            expires_in: number;
            ticket: string;
        };
        /**
         * Format: date-time
         * @example 2026-11-20T22:47:06.123000Z
         */
        Time: string;
        TimelineBody: {
            timeline: components["schemas"]["Point"][];
        };
        Times: {
            /** Format: int64 */
            errors: number;
            /** Format: int64 */
            requests: number;
            /** Format: double */
            response_time_p50_ms?: number | null;
            /** Format: double */
            response_time_p95_ms?: number | null;
            /** Format: double */
            response_time_p99_ms?: number | null;
        };
        Token: {
            access_token: string;
            /** Format: int64 */
            expires_in: number;
            token_type: string;
            user: components["schemas"]["Me"];
        };
        TrafficPage: components["schemas"]["Page"] & {
            traffic: components["schemas"]["TrafficSecond"][];
        };
        TrafficPoint: {
            /** Format: double */
            avg_packet_size?: number | null;
            /** Format: int64 */
            bytes: number;
            /** Format: double */
            bytes_per_sec: number;
            /** Format: int64 */
            failed_connections: number;
            /** Format: int64 */
            most_packets_per_sec: number;
            /** Format: int64 */
            packets: number;
            /** Format: double */
            packets_per_sec: number;
            /** Format: double */
            protocol_distribution: number;
            /** Format: int64 */
            seconds: number;
            timestamp: components["schemas"]["Time"];
            /** Format: int64 */
            unique_dest_ips: number;
            /** Format: int64 */
            unique_src_ips: number;
        };
        TrafficSecond: {
            /** Format: int64 */
            avg_packet_size: number;
            /** Format: int64 */
            bytes_per_sec: number;
            facility_id: string;
            /** Format: int64 */
            failed_connections: number;
            /** Format: int64 */
            inter_arrival_time: number;
            /** Format: int64 */
            packets_per_sec: number;
            /** Format: double */
            protocol_distribution: number;
            timestamp: components["schemas"]["Time"];
            /** Format: int64 */
            unique_dest_ips: number;
            /** Format: int64 */
            unique_src_ips: number;
        };
        TrafficTotals: {
            /** Format: int64 */
            bytes: number;
            /** Format: int64 */
            failed_connections: number;
            /** Format: int64 */
            packets: number;
            /** Format: int64 */
            requests?: number | null;
            /** Format: int64 */
            seconds: number;
        };
        TrainingJob: {
            /** Format: uuid */
            agent_id?: string | null;
            ended?: components["schemas"]["Time"] | null;
            error?: string | null;
            facility_id?: string | null;
            id: string;
            kind: string;
            last_seen: components["schemas"]["Time"];
            /** Format: double */
            progress?: number | null;
            /** Format: int64 */
            round_number?: number | null;
            started?: components["schemas"]["Time"] | null;
            state: string;
        };
        TrainingJobs: {
            as_of: components["schemas"]["Time"];
            jobs: components["schemas"]["TrainingJob"][];
            unknown: {
                [key: string]: string;
            };
        };
        TrainingSettings: {
            /**
             * Format: double
             * @default null
             */
            accept: number | null;
            /**
             * Format: int32
             * @default null
             */
            batch: number | null;
            /**
             * Format: double
             * @default null
             */
            clip: number | null;
            /**
             * Format: int32
             * @default null
             */
            epochs: number | null;
            /**
             * Format: int32
             * @default null
             */
            group: number | null;
            /**
             * Format: int32
             * @default null
             */
            liars: number | null;
            /** @default null */
            masked: boolean | null;
            /**
             * Format: double
             * @default null
             */
            noise: number | null;
            /**
             * Format: double
             * @default null
             */
            patience_seconds: number | null;
            /**
             * Format: double
             * @default null
             */
            proximal: number | null;
            /**
             * Format: int32
             * @default null
             */
            quorum: number | null;
            /**
             * Format: double
             * @default null
             */
            rate: number | null;
            /**
             * Format: double
             * @default null
             */
            server_rate: number | null;
            /**
             * Format: double
             * @default null
             */
            training_minutes: number | null;
            /**
             * Format: double
             * @default null
             */
            window_clip: number | null;
        };
        Trend: {
            /** Format: double */
            change_percent?: number | null;
            metric: string;
            points: components["schemas"]["TrendPoint"][];
            /** Format: double */
            previous_total?: number | null;
            /** Format: int64 */
            resolution_seconds: number;
            since: components["schemas"]["Time"];
            /** Format: double */
            total?: number | null;
            unit: string;
            unknown: {
                [key: string]: string;
            };
            until: components["schemas"]["Time"];
        };
        TrendPoint: {
            timestamp: components["schemas"]["Time"];
            /** Format: double */
            value?: number | null;
        };
        Trial: {
            rules?: components["schemas"]["PrivacyRule"][];
            text: string;
        };
        UserBody: {
            created: components["schemas"]["Time"];
            disabled?: components["schemas"]["Time"] | null;
            facilities: string[];
            /** Format: uuid */
            id: string;
            name: string;
            role: components["schemas"]["Role"];
        };
        UserList: {
            users: components["schemas"]["UserBody"][];
        };
        Verdict: {
            broken?: string | null;
            head?: string | null;
            /** Format: int64 */
            rows: number;
            whole: boolean;
        };
        WebPoint: {
            /** Format: int64 */
            errors: number;
            /** Format: int64 */
            requests: number;
            /** Format: double */
            response_time_mean_ms?: number | null;
            timestamp: components["schemas"]["Time"];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_activities: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
                page?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ActivityPage"];
                };
            };
        };
    };
    get_recent_activities: {
        parameters: {
            query?: {
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecentActivities"];
                };
            };
        };
    };
    list_alerts: {
        parameters: {
            query?: {
                severity?: string;
                facility?: string;
                status?: string;
                technique?: string;
                search?: string;
                range?: string;
                since?: string;
                until?: string;
                page?: number;
                limit?: number;
                cursor?: string;
                include?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertPage"];
                };
            };
        };
    };
    list_active_alerts: {
        parameters: {
            query?: {
                severity?: string;
                facility?: string;
                status?: string;
                technique?: string;
                search?: string;
                range?: string;
                since?: string;
                until?: string;
                page?: number;
                limit?: number;
                cursor?: string;
                include?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertPage"];
                };
            };
        };
    };
    change_alerts: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BulkChange"];
            };
        };
        responses: {
            202: {
                headers: {
                    location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
        };
    };
    export_alerts: {
        parameters: {
            query?: {
                format?: "csv" | "ndjson" | "stix" | "ocsf" | "layer";
                tz?: string;
                severity?: string;
                facility?: string;
                status?: string;
                technique?: string;
                search?: string;
                range?: string;
                since?: string;
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/csv": string;
                    "application/x-ndjson": string;
                    "application/stix+json": unknown;
                    "application/json": unknown;
                };
            };
        };
    };
    list_closed_alerts: {
        parameters: {
            query?: {
                severity?: string;
                facility?: string;
                status?: string;
                technique?: string;
                search?: string;
                range?: string;
                since?: string;
                until?: string;
                page?: number;
                limit?: number;
                cursor?: string;
                include?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertPage"];
                };
            };
        };
    };
    get_alert_stats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertStats"];
                };
            };
        };
    };
    get_alert: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    etag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    acknowledge_alert: {
        parameters: {
            query?: never;
            header?: {
                "if-match"?: string;
                "idempotency-key"?: string;
            };
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    reason?: string | null;
                } | null;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
        };
    };
    dismiss_alert: {
        parameters: {
            query?: never;
            header?: {
                "if-match"?: string;
                "idempotency-key"?: string;
            };
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    reason?: string | null;
                } | null;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
        };
    };
    get_alert_history: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertActs"];
                };
            };
        };
    };
    set_alert_status: {
        parameters: {
            query?: never;
            header?: {
                "if-match"?: string;
            };
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SetStatus"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
        };
    };
    get_analytics_overview: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
        };
    };
    get_analytics_summary: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Summary"];
                };
            };
        };
    };
    get_analytics_trend: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path: {
                metric: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Trend"];
                };
            };
        };
    };
    list_audit: {
        parameters: {
            query?: {
                before?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Acts"];
                };
            };
        };
    };
    verify_audit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Verdict"];
                };
            };
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
        };
    };
    oidc_callback: {
        parameters: {
            query?: {
                code?: string;
                state?: string;
                error?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            303: {
                headers: {
                    location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    oidc_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            303: {
                headers: {
                    location?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
        };
    };
    setup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["First"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Token"];
                };
            };
        };
    };
    get_socket_ticket: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
        };
    };
    get_cost: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Cost"];
                };
            };
        };
    };
    get_kpi: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Kpi"];
                };
            };
        };
    };
    get_sla: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sla"];
                };
            };
        };
    };
    get_performance_chart: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PerformanceChart"];
                };
            };
        };
    };
    get_request_chart: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RequestChart"];
                };
            };
        };
    };
    get_threat_chart: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ThreatChart"];
                };
            };
        };
    };
    get_alert_evidence: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EvidenceBody"];
                };
            };
        };
    };
    get_alert_timeline: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                alert_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TimelineBody"];
                };
            };
        };
    };
    get_current_context: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                facility_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Current"];
                };
            };
        };
    };
    reset_demo: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DemoReset"];
                };
            };
        };
    };
    demo_round: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DemoRound"];
                };
            };
        };
    };
    demo_multi_stage: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DemoWish"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DemoBegun"];
                };
            };
        };
    };
    demo_port_scan: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DemoWish"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DemoBegun"];
                };
            };
        };
    };
    get_demo_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DemoStatus"];
                };
            };
        };
    };
    get_drift: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Drifts"];
                };
            };
        };
    };
    trigger_round_of_drift: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RoundWish"] | null;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlBegun"];
                };
            };
        };
    };
    list_facilities: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Facilities"];
                };
            };
        };
    };
    list_fl_clients: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlClient"][];
                };
            };
        };
    };
    get_fl_client: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                client_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlClientDetail"];
                };
            };
        };
    };
    get_privacy_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlPrivacyMetrics"];
                };
            };
        };
    };
    list_rounds: {
        parameters: {
            query?: {
                limit?: number;
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlRounds"];
                };
            };
        };
    };
    get_current_round: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlRound"];
                };
            };
        };
    };
    get_round_history: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlHistory"];
                };
            };
        };
    };
    trigger_round: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RoundWish"] | null;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlBegun"];
                };
            };
        };
    };
    get_round: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                round_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlRound"];
                };
            };
        };
    };
    abort_round: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path: {
                round_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FlAbort"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlRound"];
                };
            };
        };
    };
    pause_round: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path: {
                round_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlRound"];
                };
            };
        };
    };
    resume_round: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path: {
                round_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlRound"];
                };
            };
        };
    };
    list_agents: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Agents"];
                };
            };
        };
    };
    get_agent: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                agent_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AgentBody"];
                };
            };
        };
    };
    list_incidents: {
        parameters: {
            query?: {
                facility?: string;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IncidentPage"];
                };
            };
        };
    };
    get_incident: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                incident_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IncidentDetail"];
                };
            };
        };
    };
    list_jobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobList"];
                };
            };
        };
    };
    get_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
        };
    };
    list_job_items: {
        parameters: {
            query?: {
                from?: number;
                limit?: number;
            };
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items"];
                };
            };
        };
    };
    undo_job: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobBody"];
                };
            };
        };
    };
    list_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyList"];
                };
            };
        };
    };
    add_key: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddKey"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewKey"];
                };
            };
        };
    };
    revoke_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    get_historical_metrics: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Historical"];
                };
            };
        };
    };
    get_realtime_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Realtime"];
                };
            };
        };
    };
    get_attack_graph: {
        parameters: {
            query?: {
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AttackGraphData"];
                };
            };
        };
    };
    get_attack_layer: {
        parameters: {
            query?: {
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    get_technique: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                technique_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TechniqueDetails"];
                };
            };
        };
    };
    list_models: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Models"];
                };
            };
        };
    };
    list_versions: {
        parameters: {
            query?: {
                network?: string;
                before?: number;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersions"];
                };
            };
        };
    };
    get_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersionDetail"];
                };
            };
        };
    };
    export_version: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
        };
    };
    get_version_performance: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                version_id: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelPerformance"];
                };
            };
        };
    };
    promote_version: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path: {
                version_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelReason"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersionDetail"];
                };
            };
        };
    };
    roll_back_version: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path: {
                version_id: number;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ModelReason"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ModelVersionDetail"];
                };
            };
        };
    };
    outputs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Outputs"];
                };
            };
        };
    };
    list_predictions: {
        parameters: {
            query?: {
                facility?: string;
                validated?: boolean;
                limit?: number;
                offset?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PredictionPage"];
                };
            };
        };
    };
    get_latest_prediction: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Latest"];
                };
            };
        };
    };
    predict: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Question"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Prediction"];
                };
            };
        };
    };
    get_prediction: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                prediction_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Prediction"];
                };
            };
        };
    };
    get_classification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Classification"];
                };
            };
        };
    };
    pseudonymise: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Trial"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Nameless"];
                };
            };
        };
    };
    get_privacy_report: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PrivacyReport"];
                };
            };
        };
    };
    list_security_checks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckList"];
                };
            };
        };
    };
    get_security_check: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                check_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckHistory"];
                };
            };
        };
    };
    run_security_check: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path: {
                check_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CheckBody"];
                };
            };
        };
    };
    get_compliance_score: {
        parameters: {
            query?: {
                range?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Compliance"];
                };
            };
        };
    };
    get_system_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Status"];
                };
            };
        };
    };
    list_threats: {
        parameters: {
            query?: {
                severity?: string;
                facility?: string;
                status?: string;
                range?: string;
                since?: string;
                until?: string;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ThreatPage"];
                };
            };
        };
    };
    get_recent_threats: {
        parameters: {
            query?: {
                facility?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RecentThreats"];
                };
            };
        };
    };
    get_threat_stats: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ThreatStats"];
                };
            };
        };
    };
    list_threats_of_type: {
        parameters: {
            query?: {
                severity?: string;
                facility?: string;
                status?: string;
                range?: string;
                since?: string;
                until?: string;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                type: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ThreatPage"];
                };
            };
        };
    };
    list_traffic: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
                page?: number;
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrafficPage"];
                };
            };
        };
    };
    get_endpoint: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
                method?: string;
            };
            header?: never;
            path: {
                endpoint: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EndpointBody"];
                };
            };
        };
    };
    list_endpoints: {
        parameters: {
            query?: {
                range?: string;
                since?: string;
                until?: string;
                facility?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Endpoints"];
                };
            };
        };
    };
    get_recent_traffic: {
        parameters: {
            query?: {
                facility?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Recent"];
                };
            };
        };
    };
    get_training_configuration: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AllSettings"];
                };
            };
        };
    };
    set_training_configuration: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                network: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewSettings"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NetworkSettings"];
                };
            };
        };
    };
    list_training_jobs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrainingJobs"];
                };
            };
        };
    };
    start_training: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RoundWish"] | null;
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FlBegun"];
                };
            };
        };
    };
    get_training_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrainingJob"];
                };
            };
        };
    };
    get_training_log: {
        parameters: {
            query?: {
                from?: number;
                limit?: number;
            };
            header?: never;
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Log"];
                };
            };
        };
    };
    stop_training: {
        parameters: {
            query?: never;
            header?: {
                "idempotency-key"?: string;
            };
            path: {
                job_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FlAbort"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TrainingJob"];
                };
            };
        };
    };
    list_users: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserList"];
                };
            };
        };
    };
    add_user: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddUser"];
            };
        };
        responses: {
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserBody"];
                };
            };
        };
    };
    change_user: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeUser"];
            };
        };
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserBody"];
                };
            };
        };
    };
    docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
        };
    };
    docs_style: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/css": string;
                };
            };
        };
    };
    docs_script: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/javascript": string;
                };
            };
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    livez: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alive"];
                };
            };
        };
    };
    get_figures: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
        };
    };
    openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
        };
    };
    readyz: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alive"];
                };
            };
        };
    };
    setup_page: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
        };
    };
    setup_script: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/javascript": string;
                };
            };
        };
    };
    listen: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
