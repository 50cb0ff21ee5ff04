// The handlers of all methods, one file per noun. dispatch.c puts them into its table; each answers
// its request exactly once, now or later.
#pragma once

struct request;

void handle_ping(struct request *request);            // ping.c
void handle_hello(struct request *request);           // hello.c
void handle_subscribe(struct request *request);       // subscribe.c
void handle_enrol(struct request *request);           // enrol.c
void handle_renew(struct request *request);           // enrol.c
void handle_login(struct request *request);           // login.c
void handle_logout(struct request *request);          // login.c
void handle_change_password(struct request *request); // password
void handle_scope(struct request *request);           // scope
void handle_push(struct request *request);            // push.c
void handle_pull(struct request *request);            // pull.c
void handle_bundle(struct request *request);          // bundle.c
void handle_standing(struct request *request);        // standing.c
void handle_statistics(struct request *request);      // statistics.c
void handle_code_issue(struct request *request);      // codes
void handle_user_add(struct request *request);        // users
void handle_grant(struct request *request);           // grants
void handle_grant_revoke(struct request *request);    // grants
