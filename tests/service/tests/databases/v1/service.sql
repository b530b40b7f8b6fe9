BEGIN TRANSACTION;
CREATE TABLE api_tokens (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "api_tokens" VALUES(1,'gspGcUwcRsreyQKgAV1-5YKS_6sJNRSGPdAtQpOWOXs','OmGtuDR04FGjy2rfR0gdbw',1797776000,'{"id":"gspGcUwcRsreyQKgAV1-5YKS_6sJNRSGPdAtQpOWOXs","account_id":"OmGtuDR04FGjy2rfR0gdbw","expires_at":1797776000}');
CREATE TABLE attempts (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "attempts" VALUES(1,'AjrsbOAZDhsELMOvzyTn-H_UqYq5NjCKeqL1OspNUsA','',1790001800,'{"id":"AjrsbOAZDhsELMOvzyTn-H_UqYq5NjCKeqL1OspNUsA","transaction":"AjrsbOAZDhsELMOvzyTn-H_UqYq5NjCKeqL1OspNUsA","expires_at":1790001800,"user_name":"bob","proven":{"account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"by":"password","password_since":1790000000},"must_change":null,"ceremony":"-ATl7niyUurjxysICWG57A","request":null,"registration":null,"may_register":false,"unproven":null}');
INSERT INTO "attempts" VALUES(2,'9ESb5hsDDnaSoamrh6CTgoqlE8360BsggXUki3uJzVs','',1790001800,'{"id":"9ESb5hsDDnaSoamrh6CTgoqlE8360BsggXUki3uJzVs","transaction":"9ESb5hsDDnaSoamrh6CTgoqlE8360BsggXUki3uJzVs","expires_at":1790001800,"user_name":"ivan","proven":{"account_id":"jvgPAqQTmVEuDhyECzLhkg","at":1790000000,"by":"password","password_since":1790000000},"must_change":null,"ceremony":null,"request":null,"registration":{"id":"eLQB-KojcccIFRNOZpFZIdPZkYxKNFA90GrvHSLlo1k","redirect_uri":"http://127.0.0.1:40000/phone-sign-in","state":"AAAAAAAAAAAAAAAAAAAAAA","code_challenge":"S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs","purpose":{"add_phone":{"jkt":"wn8-axFKnOFEnnaYJBgkGYUyDjm328I-jp-j7aegW-k","name":"Alice''s phone","model":"Model","digits":"31QObXTIbwEqDgL1F-YEnpv9sSyrX6Dvq_TWbCZciA4","wrong_digits":0}},"account_id":null,"expires_at":1790000600},"may_register":true,"unproven":null}');
INSERT INTO "attempts" VALUES(3,'dzoyLBY3dxuODbI7ShxPyqpBF3R6GXFJZ_bI7Ch9qBw','',1790001800,'{"id":"dzoyLBY3dxuODbI7ShxPyqpBF3R6GXFJZ_bI7Ch9qBw","transaction":"dzoyLBY3dxuODbI7ShxPyqpBF3R6GXFJZ_bI7Ch9qBw","expires_at":1790001800,"user_name":"alice","proven":{"account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"by":"password","password_since":1790000000},"must_change":null,"ceremony":"J43ceW7ajk4ZjZenxXPMqQ","request":null,"registration":null,"may_register":false,"unproven":null}');
CREATE TABLE audit (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "audit" VALUES(1,'BaLXSNQyGg8eC-oncFvpIA','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"id":"BaLXSNQyGg8eC-oncFvpIA","account_id":"OmGtuDR04FGjy2rfR0gdbw","at":1790000000,"what":"enrollment_started","about":"83ff4Uz57aHgsENGjvxmTg"}');
INSERT INTO "audit" VALUES(2,'RQR3JDYV1UCXoyHBzlF30Q','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"id":"RQR3JDYV1UCXoyHBzlF30Q","account_id":"OmGtuDR04FGjy2rfR0gdbw","at":1790000000,"what":"device_bound","about":"Ovx_yNU_hGfcSXYpEDafhw"}');
INSERT INTO "audit" VALUES(3,'SY-jW9fSIon1_1i5DRoLcA','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"id":"SY-jW9fSIon1_1i5DRoLcA","account_id":"OmGtuDR04FGjy2rfR0gdbw","at":1790000000,"what":"device_activated","about":"Ovx_yNU_hGfcSXYpEDafhw"}');
INSERT INTO "audit" VALUES(4,'C1o3HLkUxzLoyCcV20mZFw','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"id":"C1o3HLkUxzLoyCcV20mZFw","account_id":"OmGtuDR04FGjy2rfR0gdbw","at":1790000000,"what":"ceremony_started","about":"b3dVNPPoHywhPB-mzb21lQ"}');
INSERT INTO "audit" VALUES(5,'SQBk_ixRtejHIqekmUAyQA','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"id":"SQBk_ixRtejHIqekmUAyQA","account_id":"OmGtuDR04FGjy2rfR0gdbw","at":1790000000,"what":"ceremony_decided","about":"b3dVNPPoHywhPB-mzb21lQ"}');
INSERT INTO "audit" VALUES(6,'_bo8sZl8zTCJlzfbLS1f7g','',NULL,'{"id":"_bo8sZl8zTCJlzfbLS1f7g","account_id":"","at":1790000000,"what":"group_added","about":"bnGtMrBuTUZ1TktHSou4SA"}');
INSERT INTO "audit" VALUES(7,'atP5wQCYVA_qGYdnFKFiUA','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"id":"atP5wQCYVA_qGYdnFKFiUA","account_id":"OmGtuDR04FGjy2rfR0gdbw","at":1790000000,"what":"policy_changed","about":""}');
INSERT INTO "audit" VALUES(8,'MGcCucLzfUuvYlirT1qCWg','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"MGcCucLzfUuvYlirT1qCWg","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"joined_group","about":"OmGtuDR04FGjy2rfR0gdbw"}');
INSERT INTO "audit" VALUES(9,'4n6PoKOi1CEvSBJWQUvZkA','eaUZ9Ot44jL8v0idYdhYdw',NULL,'{"id":"4n6PoKOi1CEvSBJWQUvZkA","account_id":"eaUZ9Ot44jL8v0idYdhYdw","at":1790000000,"what":"pass_given","about":"OmGtuDR04FGjy2rfR0gdbw"}');
INSERT INTO "audit" VALUES(10,'_hOpspZMNiSpVxTTrAwqPw','eaUZ9Ot44jL8v0idYdhYdw',NULL,'{"id":"_hOpspZMNiSpVxTTrAwqPw","account_id":"eaUZ9Ot44jL8v0idYdhYdw","at":1790000000,"what":"pass_created","about":"OmGtuDR04FGjy2rfR0gdbw"}');
INSERT INTO "audit" VALUES(11,'mv8jqmoQ2Fn1Q6CEZ4pVVg','nfVdeC5z4Jas8qNBPn5yaw',NULL,'{"id":"mv8jqmoQ2Fn1Q6CEZ4pVVg","account_id":"nfVdeC5z4Jas8qNBPn5yaw","at":1790000000,"what":"pass_given","about":"OmGtuDR04FGjy2rfR0gdbw"}');
INSERT INTO "audit" VALUES(12,'VTjMp13l2CKmYfCE7aqV-A','nfVdeC5z4Jas8qNBPn5yaw',NULL,'{"id":"VTjMp13l2CKmYfCE7aqV-A","account_id":"nfVdeC5z4Jas8qNBPn5yaw","at":1790000000,"what":"pass_created","about":"OmGtuDR04FGjy2rfR0gdbw"}');
INSERT INTO "audit" VALUES(13,'69LwXnDH565Evll7qtkUWA','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"id":"69LwXnDH565Evll7qtkUWA","account_id":"OmGtuDR04FGjy2rfR0gdbw","at":1790000000,"what":"api_token_made","about":""}');
INSERT INTO "audit" VALUES(14,'p8GVfAe35YOCGs4oyHL_rA','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"p8GVfAe35YOCGs4oyHL_rA","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"enrollment_started","about":"Gn0dG6BLrcYrZ8vIOEmpkA"}');
INSERT INTO "audit" VALUES(15,'MYOriTwIXS-vBIRhrENTKg','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"MYOriTwIXS-vBIRhrENTKg","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"device_bound","about":"BnRTWc_MitjwOsMMml_LvA"}');
INSERT INTO "audit" VALUES(16,'IzYBgLV-UXOplO-FfdjHUQ','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"IzYBgLV-UXOplO-FfdjHUQ","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"device_activated","about":"BnRTWc_MitjwOsMMml_LvA"}');
INSERT INTO "audit" VALUES(17,'1wglFqh5dzjKUwg2LuskAQ','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"1wglFqh5dzjKUwg2LuskAQ","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"ceremony_started","about":"pusBaPwet_EdnR69HPlaVQ"}');
INSERT INTO "audit" VALUES(18,'bALr1m-SLbmoHlAAogpLNw','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"bALr1m-SLbmoHlAAogpLNw","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"ceremony_decided","about":"pusBaPwet_EdnR69HPlaVQ"}');
INSERT INTO "audit" VALUES(19,'2WG6hEJ2aYQhePQ7Z8oHPA','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"2WG6hEJ2aYQhePQ7Z8oHPA","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"registration_asked","about":"BnRTWc_MitjwOsMMml_LvA"}');
INSERT INTO "audit" VALUES(20,'3WyIKrGXIiZk1zIm-HH4Nw','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"3WyIKrGXIiZk1zIm-HH4Nw","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"ceremony_started","about":"dnr_ygK_ITXsmekdHiZFAw"}');
INSERT INTO "audit" VALUES(21,'ISvIBQwXAb7We3f8DI2sog','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"ISvIBQwXAb7We3f8DI2sog","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"ceremony_decided","about":"dnr_ygK_ITXsmekdHiZFAw"}');
INSERT INTO "audit" VALUES(22,'HkxLNH24xVM66Wp_Q5OagA','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"HkxLNH24xVM66Wp_Q5OagA","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"registration_agreed","about":"BnRTWc_MitjwOsMMml_LvA"}');
INSERT INTO "audit" VALUES(23,'aKGPzr3gPjZCg3EsTF8wBg','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"aKGPzr3gPjZCg3EsTF8wBg","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"phone_sign_in_on","about":"BnRTWc_MitjwOsMMml_LvA"}');
INSERT INTO "audit" VALUES(24,'JD1llNsFAH-OWb-07XDOTQ','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"JD1llNsFAH-OWb-07XDOTQ","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"ceremony_started","about":"q6I6usVZ43_vwIL5rLGZgA"}');
INSERT INTO "audit" VALUES(25,'BeKnmAS1FnrHDxIb_h4CUA','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"BeKnmAS1FnrHDxIb_h4CUA","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"ceremony_decided","about":"q6I6usVZ43_vwIL5rLGZgA"}');
INSERT INTO "audit" VALUES(26,'-k__DTCFIJWx9mumgSDIhA','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"-k__DTCFIJWx9mumgSDIhA","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"enrollment_started","about":"qRv2nzI8rQ6oeLbZ9emTQQ"}');
INSERT INTO "audit" VALUES(27,'_B6MWdLJroRpxYrZyiblRQ','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"_B6MWdLJroRpxYrZyiblRQ","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"device_bound","about":"NPDaXkgpSy_B4trCQKnltg"}');
INSERT INTO "audit" VALUES(28,'bpzJ9TqDBiTyLwPQzycJbA','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"bpzJ9TqDBiTyLwPQzycJbA","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"device_activated","about":"NPDaXkgpSy_B4trCQKnltg"}');
INSERT INTO "audit" VALUES(29,'DfuxowekS0qePoZG1Prl-Q','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"DfuxowekS0qePoZG1Prl-Q","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_started","about":"g8Ub8C7h5JpT12rDArfHvg"}');
INSERT INTO "audit" VALUES(30,'hT73kffrj6elUzz3Uovs6w','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"hT73kffrj6elUzz3Uovs6w","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_decided","about":"g8Ub8C7h5JpT12rDArfHvg"}');
INSERT INTO "audit" VALUES(31,'fhJCsOCz6gpvGlcQuoSEwA','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"fhJCsOCz6gpvGlcQuoSEwA","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_started","about":"dUJzVwQEe7SwFzm5Xeooig"}');
INSERT INTO "audit" VALUES(32,'LgUEsXxa3m_SqH28bEvBng','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"LgUEsXxa3m_SqH28bEvBng","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_decided","about":"dUJzVwQEe7SwFzm5Xeooig"}');
INSERT INTO "audit" VALUES(33,'E6zP5m8p3WZOHZxiKAx4Fg','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"E6zP5m8p3WZOHZxiKAx4Fg","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_started","about":"hCPbNGeau4coGn0ZmcfAIA"}');
INSERT INTO "audit" VALUES(34,'9rVVcWUcNroFQVm6q4Lt3w','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"9rVVcWUcNroFQVm6q4Lt3w","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_decided","about":"hCPbNGeau4coGn0ZmcfAIA"}');
INSERT INTO "audit" VALUES(35,'YvpF8rLR4M1aBAYt9KbvHA','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"YvpF8rLR4M1aBAYt9KbvHA","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"pass_created","about":"VW40zdtEHUF_Y564GVCTWg"}');
INSERT INTO "audit" VALUES(36,'k4gqXhG0SW1Zymxr4fkg3g','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"k4gqXhG0SW1Zymxr4fkg3g","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_started","about":"knlsE8Q8ohYTGGt7IgtNjA"}');
INSERT INTO "audit" VALUES(37,'XquECzWKSeE6ti1OqgceHQ','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"XquECzWKSeE6ti1OqgceHQ","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_decided","about":"knlsE8Q8ohYTGGt7IgtNjA"}');
INSERT INTO "audit" VALUES(38,'JbJAm183SMHnc3EamS6naA','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"JbJAm183SMHnc3EamS6naA","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"registration_asked","about":"NPDaXkgpSy_B4trCQKnltg"}');
INSERT INTO "audit" VALUES(39,'rVbC_p3rKo3e2UHKygjp1g','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"rVbC_p3rKo3e2UHKygjp1g","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_started","about":"gN7z4eSEGERDTserOWF5rQ"}');
INSERT INTO "audit" VALUES(40,'7TWR4GJ8Zpy9aW9s_WR5jA','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"7TWR4GJ8Zpy9aW9s_WR5jA","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_decided","about":"gN7z4eSEGERDTserOWF5rQ"}');
INSERT INTO "audit" VALUES(41,'pRT1-BW2z9yjBgwnSsSArw','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"pRT1-BW2z9yjBgwnSsSArw","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"registration_agreed","about":"NPDaXkgpSy_B4trCQKnltg"}');
INSERT INTO "audit" VALUES(42,'j2u3PY28yb3kM2Re2K-krQ','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"j2u3PY28yb3kM2Re2K-krQ","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"registration_asked","about":"NPDaXkgpSy_B4trCQKnltg"}');
INSERT INTO "audit" VALUES(43,'lNrmRuJzNUSqade7oOJF4w','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"lNrmRuJzNUSqade7oOJF4w","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_started","about":"QUlyO6-fMedZKoIUvEYlww"}');
INSERT INTO "audit" VALUES(44,'HwcJQckKXeqVOfHx6zPhgg','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"HwcJQckKXeqVOfHx6zPhgg","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_decided","about":"QUlyO6-fMedZKoIUvEYlww"}');
INSERT INTO "audit" VALUES(45,'-Bpvdcaq0mSkmmNihluimA','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"-Bpvdcaq0mSkmmNihluimA","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"registration_agreed","about":"NPDaXkgpSy_B4trCQKnltg"}');
INSERT INTO "audit" VALUES(46,'DO9HgSBoZOu1RlHbg-shgQ','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"DO9HgSBoZOu1RlHbg-shgQ","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"registration_asked","about":"NPDaXkgpSy_B4trCQKnltg"}');
INSERT INTO "audit" VALUES(47,'q3yexOT6FnHJSYstISfngA','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"q3yexOT6FnHJSYstISfngA","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_started","about":"-ATl7niyUurjxysICWG57A"}');
INSERT INTO "audit" VALUES(48,'DcQsiGU5Z31XCKgwrm-ZXg','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"DcQsiGU5Z31XCKgwrm-ZXg","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_decided","about":"-ATl7niyUurjxysICWG57A"}');
INSERT INTO "audit" VALUES(49,'9Zy6n7hUEKCzM-o5U6Tvow','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"9Zy6n7hUEKCzM-o5U6Tvow","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_started","about":"wRnBRmaQW5I3ihm8QiHRVg"}');
INSERT INTO "audit" VALUES(50,'CeL0x4GS2alvsvKawr-chQ','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"CeL0x4GS2alvsvKawr-chQ","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"ceremony_decided","about":"wRnBRmaQW5I3ihm8QiHRVg"}');
INSERT INTO "audit" VALUES(51,'PMnXgun1GuwAZHMj3du3PQ','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"PMnXgun1GuwAZHMj3du3PQ","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"reported","about":"Etnol77VW3ns6vgr_gIoew"}');
INSERT INTO "audit" VALUES(52,'dpZpAoKGmYC7CIDCajue3g','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"dpZpAoKGmYC7CIDCajue3g","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"enrollment_started","about":"LAdalBvODXDhc1xbtzOZow"}');
INSERT INTO "audit" VALUES(53,'vWdd62TafJPL6Rhkcywgaw','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"vWdd62TafJPL6Rhkcywgaw","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"device_bound","about":"GT3MfPPAEwMsUgW7MsaREw"}');
INSERT INTO "audit" VALUES(54,'Cn_XmJKjPZsj6NHjgXh14w','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"Cn_XmJKjPZsj6NHjgXh14w","account_id":"VW40zdtEHUF_Y564GVCTWg","at":1790000000,"what":"device_removed","about":"GT3MfPPAEwMsUgW7MsaREw"}');
INSERT INTO "audit" VALUES(55,'1yEDwfoouuxXxJV02hefXA','-lTxPPhNVx9Pm7dP9-9IQw',NULL,'{"id":"1yEDwfoouuxXxJV02hefXA","account_id":"-lTxPPhNVx9Pm7dP9-9IQw","at":1790000000,"what":"enrollment_started","about":"ED-aTevNKCk9kMgHcpV7IQ"}');
INSERT INTO "audit" VALUES(56,'hkPlhlk17l8GuuLuPw0Lqw','NXEt1vVWDHRXX9Cqgcrnjg',NULL,'{"id":"hkPlhlk17l8GuuLuPw0Lqw","account_id":"NXEt1vVWDHRXX9Cqgcrnjg","at":1790000000,"what":"enrollment_started","about":"qSbbEZtdJk-wSmbFd7LvpA"}');
INSERT INTO "audit" VALUES(57,'ZCxzDRXI4SNqw8_woZtq9A','NXEt1vVWDHRXX9Cqgcrnjg',NULL,'{"id":"ZCxzDRXI4SNqw8_woZtq9A","account_id":"NXEt1vVWDHRXX9Cqgcrnjg","at":1790000000,"what":"device_bound","about":"oMSNC51BpUmSI8mMSjM8bw"}');
INSERT INTO "audit" VALUES(58,'nQ0LyOmL9Y9ObcsFkl0Phg','ZKnQhAGjzbZdf6-6Qc2BRA',NULL,'{"id":"nQ0LyOmL9Y9ObcsFkl0Phg","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","at":1790000000,"what":"enrollment_started","about":"aT2xqFd_aMq4sQJdoYfpKA"}');
INSERT INTO "audit" VALUES(59,'5eCgEJMTxpuhy0Tr3dqnAg','ZKnQhAGjzbZdf6-6Qc2BRA',NULL,'{"id":"5eCgEJMTxpuhy0Tr3dqnAg","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","at":1790000000,"what":"device_bound","about":"MJ-xn3ZiKSIVf7CDyFVZ3g"}');
INSERT INTO "audit" VALUES(60,'VuZusLJzaKcYvN9KY7Gn7Q','ZKnQhAGjzbZdf6-6Qc2BRA',NULL,'{"id":"VuZusLJzaKcYvN9KY7Gn7Q","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","at":1790000000,"what":"device_activated","about":"MJ-xn3ZiKSIVf7CDyFVZ3g"}');
INSERT INTO "audit" VALUES(61,'6Q0M5BLI9wciBk_nW_NF-Q','ZKnQhAGjzbZdf6-6Qc2BRA',NULL,'{"id":"6Q0M5BLI9wciBk_nW_NF-Q","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","at":1790000000,"what":"ceremony_started","about":"E-lMy8PG9MaeW0p9Z_u7uw"}');
INSERT INTO "audit" VALUES(62,'fvri8HKSnIg1ZDtMxwWiWQ','ZKnQhAGjzbZdf6-6Qc2BRA',NULL,'{"id":"fvri8HKSnIg1ZDtMxwWiWQ","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","at":1790000000,"what":"ceremony_decided","about":"E-lMy8PG9MaeW0p9Z_u7uw"}');
INSERT INTO "audit" VALUES(63,'PrADvVHnwWtlhA8TW7x-EQ','ZKnQhAGjzbZdf6-6Qc2BRA',NULL,'{"id":"PrADvVHnwWtlhA8TW7x-EQ","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","at":1790000000,"what":"suspended","about":"OmGtuDR04FGjy2rfR0gdbw"}');
INSERT INTO "audit" VALUES(64,'q3bkrElJE5NE1C8UHbG_wg','nfVdeC5z4Jas8qNBPn5yaw',NULL,'{"id":"q3bkrElJE5NE1C8UHbG_wg","account_id":"nfVdeC5z4Jas8qNBPn5yaw","at":1790000000,"what":"pass_used","about":""}');
INSERT INTO "audit" VALUES(65,'XDLi1-PKmBbBxBG1JKNrlQ','',NULL,'{"id":"XDLi1-PKmBbBxBG1JKNrlQ","account_id":"","at":1790000000,"what":"registration_asked","about":"wn8-axFKnOFEnnaYJBgkGYUyDjm328I-jp-j7aegW-k"}');
INSERT INTO "audit" VALUES(66,'DkXf_QH8DEelKQxqRAq2xA','',NULL,'{"id":"DkXf_QH8DEelKQxqRAq2xA","account_id":"","at":1790000000,"what":"registration_asked","about":"r2GDdhnvugso-JIHG4VDro5BKhNgBFFXYNjXhg98pUk"}');
INSERT INTO "audit" VALUES(67,'FDsbwghruX1SUoWDwjJnLg','_V642Jv7jYKtcOcVPRyCIA',NULL,'{"id":"FDsbwghruX1SUoWDwjJnLg","account_id":"_V642Jv7jYKtcOcVPRyCIA","at":1790000000,"what":"registration_agreed","about":"r2GDdhnvugso-JIHG4VDro5BKhNgBFFXYNjXhg98pUk"}');
INSERT INTO "audit" VALUES(68,'fFoGuCohjwMV50fL5Xh55A','',NULL,'{"id":"fFoGuCohjwMV50fL5Xh55A","account_id":"","at":1790000000,"what":"registration_asked","about":"rGQp6rRfO0HPhPeAVHebkFhkEXJ7_VsXnxfrODb1XGU"}');
INSERT INTO "audit" VALUES(69,'L0sd_2_I2Fi3-5UpmeWlRA','8SnDksw_bSzt1dqBIoy4nQ',NULL,'{"id":"L0sd_2_I2Fi3-5UpmeWlRA","account_id":"8SnDksw_bSzt1dqBIoy4nQ","at":1790000000,"what":"registration_agreed","about":"rGQp6rRfO0HPhPeAVHebkFhkEXJ7_VsXnxfrODb1XGU"}');
INSERT INTO "audit" VALUES(70,'EjFwMW4vgN8lIEChbv1EDQ','',NULL,'{"id":"EjFwMW4vgN8lIEChbv1EDQ","account_id":"","at":1790000000,"what":"registration_asked","about":"y6fiM-wp30TPQmazKqlzbw8GNgLMnsBCYZWMnWrMn2o"}');
INSERT INTO "audit" VALUES(71,'-XRQ9Rb2bRPXgYZdXZsHbQ','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"-XRQ9Rb2bRPXgYZdXZsHbQ","account_id":"nQev-ZObomZDblc_I8NRQA","at":1790000000,"what":"ceremony_started","about":"J43ceW7ajk4ZjZenxXPMqQ"}');
CREATE TABLE ceremonies (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "ceremonies" VALUES(1,'b3dVNPPoHywhPB-mzb21lQ','OmGtuDR04FGjy2rfR0gdbw',1790173100,'{"id":"b3dVNPPoHywhPB-mzb21lQ","account_id":"OmGtuDR04FGjy2rfR0gdbw","owner":{"session":"iYVS-66dYj7ZgY8jo_RDtBl_fOqbTSa_iLSKcOaKsN4"},"known_browser":null,"kind":"confirm_enrolment","origin":"signed_in","number":"89","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"Ovx_yNU_hGfcSXYpEDafhw","redeemed":true,"gave_session":"iYVS-66dYj7ZgY8jo_RDtBl_fOqbTSa_iLSKcOaKsN4","gave_browser":"9Zmsnas2d9NNLz6jZoYYhtPG06GIkrEktcup0x8awKw"}');
INSERT INTO "ceremonies" VALUES(2,'pusBaPwet_EdnR69HPlaVQ','nQev-ZObomZDblc_I8NRQA',1790173100,'{"id":"pusBaPwet_EdnR69HPlaVQ","account_id":"nQev-ZObomZDblc_I8NRQA","owner":{"session":"CsR52cti66yZ5WjW1dwsGaVCNDSjK2IXYz24VzfQ-jw"},"known_browser":null,"kind":"confirm_enrolment","origin":"signed_in","number":"97","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"BnRTWc_MitjwOsMMml_LvA","redeemed":true,"gave_session":"CsR52cti66yZ5WjW1dwsGaVCNDSjK2IXYz24VzfQ-jw","gave_browser":"p4iJOdbOQlyJziP5TMb5AJh-Bw0VV2JzKEa14-wp79k"}');
INSERT INTO "ceremonies" VALUES(3,'dnr_ygK_ITXsmekdHiZFAw','nQev-ZObomZDblc_I8NRQA',1790173100,'{"id":"dnr_ygK_ITXsmekdHiZFAw","account_id":"nQev-ZObomZDblc_I8NRQA","owner":{"attempt":"TwLYb6YXqROhijyi3MrE-Oxz_yRRUfHFGUlr1CwK8yY"},"known_browser":"p4iJOdbOQlyJziP5TMb5AJh-Bw0VV2JzKEa14-wp79k","kind":"register_device","origin":"known_browser","number":"92","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"BnRTWc_MitjwOsMMml_LvA","redeemed":true,"gave_session":null,"gave_browser":null}');
INSERT INTO "ceremonies" VALUES(4,'q6I6usVZ43_vwIL5rLGZgA','nQev-ZObomZDblc_I8NRQA',1790172920,'{"id":"q6I6usVZ43_vwIL5rLGZgA","account_id":"nQev-ZObomZDblc_I8NRQA","owner":{"attempt":"FnJf9TuQwSMRymIhlCnV63PXsVFYAMwYkIYRBlVNYOU"},"known_browser":"p4iJOdbOQlyJziP5TMb5AJh-Bw0VV2JzKEa14-wp79k","kind":"phone_sign_in","origin":"known_browser","number":"54","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000120,"outcome":"approved","decided_at":1790000000,"decided_by":"BnRTWc_MitjwOsMMml_LvA","redeemed":true,"gave_session":"hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc","gave_browser":"p4iJOdbOQlyJziP5TMb5AJh-Bw0VV2JzKEa14-wp79k"}');
INSERT INTO "ceremonies" VALUES(5,'g8Ub8C7h5JpT12rDArfHvg','VW40zdtEHUF_Y564GVCTWg',1790173100,'{"id":"g8Ub8C7h5JpT12rDArfHvg","account_id":"VW40zdtEHUF_Y564GVCTWg","owner":{"session":"K9L0uVbDlH82q3IXytnU7XznDj8OqY_j7XdCYO14cJs"},"known_browser":null,"kind":"confirm_enrolment","origin":"signed_in","number":"52","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"NPDaXkgpSy_B4trCQKnltg","redeemed":true,"gave_session":"K9L0uVbDlH82q3IXytnU7XznDj8OqY_j7XdCYO14cJs","gave_browser":"0fKyhA0oTPtxgTDDZDRqJZEcFPLzV5bZVyXLz7mNNqQ"}');
INSERT INTO "ceremonies" VALUES(6,'dUJzVwQEe7SwFzm5Xeooig','VW40zdtEHUF_Y564GVCTWg',1790172920,'{"id":"dUJzVwQEe7SwFzm5Xeooig","account_id":"VW40zdtEHUF_Y564GVCTWg","owner":{"attempt":"LK4GqQ7Gc0lGHTWS0YtWf_l9Kwk4PBAUnFLBva13TpE"},"known_browser":"0fKyhA0oTPtxgTDDZDRqJZEcFPLzV5bZVyXLz7mNNqQ","kind":"second_factor","origin":"known_browser","number":"32","match":{"mode":"choose","options":["32","77","94"]},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000120,"outcome":"approved","decided_at":1790000000,"decided_by":"NPDaXkgpSy_B4trCQKnltg","redeemed":true,"gave_session":"qIDhUhkp1tY_8NWn2CrvXy87qgF1RViuh5B_uAfgaxc","gave_browser":"0fKyhA0oTPtxgTDDZDRqJZEcFPLzV5bZVyXLz7mNNqQ"}');
INSERT INTO "ceremonies" VALUES(7,'hCPbNGeau4coGn0ZmcfAIA','VW40zdtEHUF_Y564GVCTWg',1790173100,'{"id":"hCPbNGeau4coGn0ZmcfAIA","account_id":"VW40zdtEHUF_Y564GVCTWg","owner":{"session":"qIDhUhkp1tY_8NWn2CrvXy87qgF1RViuh5B_uAfgaxc"},"known_browser":null,"kind":"create_pass","origin":"signed_in","number":"83","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"NPDaXkgpSy_B4trCQKnltg","redeemed":true,"gave_session":null,"gave_browser":null}');
INSERT INTO "ceremonies" VALUES(8,'knlsE8Q8ohYTGGt7IgtNjA','VW40zdtEHUF_Y564GVCTWg',1790173100,'{"id":"knlsE8Q8ohYTGGt7IgtNjA","account_id":"VW40zdtEHUF_Y564GVCTWg","owner":{"session":"qIDhUhkp1tY_8NWn2CrvXy87qgF1RViuh5B_uAfgaxc"},"known_browser":null,"kind":"add_method","origin":"signed_in","number":"70","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"NPDaXkgpSy_B4trCQKnltg","redeemed":true,"gave_session":null,"gave_browser":null}');
INSERT INTO "ceremonies" VALUES(9,'gN7z4eSEGERDTserOWF5rQ','VW40zdtEHUF_Y564GVCTWg',1790173100,'{"id":"gN7z4eSEGERDTserOWF5rQ","account_id":"VW40zdtEHUF_Y564GVCTWg","owner":{"attempt":"SzxpYXiU9BDj7iQHobWmD3ZRdpNwPPGOteXcatg85Eg"},"known_browser":"0fKyhA0oTPtxgTDDZDRqJZEcFPLzV5bZVyXLz7mNNqQ","kind":"register_device","origin":"known_browser","number":"18","match":{"mode":"choose","options":["16","18","29"]},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"NPDaXkgpSy_B4trCQKnltg","redeemed":true,"gave_session":null,"gave_browser":null}');
INSERT INTO "ceremonies" VALUES(10,'QUlyO6-fMedZKoIUvEYlww','VW40zdtEHUF_Y564GVCTWg',1790173100,'{"id":"QUlyO6-fMedZKoIUvEYlww","account_id":"VW40zdtEHUF_Y564GVCTWg","owner":{"attempt":"Dk5ajm3MzoUMff6Kvsj3rjxmYbwacu4PWfXUMO8Y1jo"},"known_browser":"0fKyhA0oTPtxgTDDZDRqJZEcFPLzV5bZVyXLz7mNNqQ","kind":"register_device","origin":"known_browser","number":"56","match":{"mode":"choose","options":["56","65","91"]},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"NPDaXkgpSy_B4trCQKnltg","redeemed":true,"gave_session":null,"gave_browser":null}');
INSERT INTO "ceremonies" VALUES(11,'-ATl7niyUurjxysICWG57A','VW40zdtEHUF_Y564GVCTWg',1790172920,'{"id":"-ATl7niyUurjxysICWG57A","account_id":"VW40zdtEHUF_Y564GVCTWg","owner":{"attempt":"AjrsbOAZDhsELMOvzyTn-H_UqYq5NjCKeqL1OspNUsA"},"known_browser":null,"kind":"second_factor","origin":"password_proved","number":"66","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000120,"outcome":"denied","decided_at":1790000000,"decided_by":"NPDaXkgpSy_B4trCQKnltg","redeemed":false,"gave_session":null,"gave_browser":null}');
INSERT INTO "ceremonies" VALUES(12,'wRnBRmaQW5I3ihm8QiHRVg','VW40zdtEHUF_Y564GVCTWg',1790172920,'{"id":"wRnBRmaQW5I3ihm8QiHRVg","account_id":"VW40zdtEHUF_Y564GVCTWg","owner":{"attempt":"rJRESnybMzRQr9FHRkNYC7IxCuMJ958Q5xGGd8QiquA"},"known_browser":null,"kind":"second_factor","origin":"password_proved","number":"80","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":true,"created_at":1790000000,"expires_at":1790000120,"outcome":"reported","decided_at":1790000000,"decided_by":"NPDaXkgpSy_B4trCQKnltg","redeemed":true,"gave_session":"ylPa6b8RUGr519PO9JISDV8QFEt88jKzNlDUuBjmF14","gave_browser":"tOJ2p7mgeS-ogEHJVBgNxIriuB0cBvBhe6Yf_0pVQh0"}');
INSERT INTO "ceremonies" VALUES(13,'E-lMy8PG9MaeW0p9Z_u7uw','ZKnQhAGjzbZdf6-6Qc2BRA',1790173100,'{"id":"E-lMy8PG9MaeW0p9Z_u7uw","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","owner":{"session":"NCsXQ7TzxMQpMnMXlFUAibaNH1Ai9FR_8T5JMqWCH4Y"},"known_browser":null,"kind":"confirm_enrolment","origin":"signed_in","number":"88","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000300,"outcome":"approved","decided_at":1790000000,"decided_by":"MJ-xn3ZiKSIVf7CDyFVZ3g","redeemed":true,"gave_session":"NCsXQ7TzxMQpMnMXlFUAibaNH1Ai9FR_8T5JMqWCH4Y","gave_browser":"sm9hZnrrR7SDFdGSB6DJbggUuBzW7SB32uPN7JmwGOk"}');
INSERT INTO "ceremonies" VALUES(14,'J43ceW7ajk4ZjZenxXPMqQ','nQev-ZObomZDblc_I8NRQA',1790172920,'{"id":"J43ceW7ajk4ZjZenxXPMqQ","account_id":"nQev-ZObomZDblc_I8NRQA","owner":{"attempt":"dzoyLBY3dxuODbI7ShxPyqpBF3R6GXFJZ_bI7Ch9qBw"},"known_browser":null,"kind":"second_factor","origin":"password_proved","number":"19","match":{"mode":"enter","digits":2},"network":"0.0.0.0/24","silent":false,"created_at":1790000000,"expires_at":1790000120,"outcome":null,"decided_at":null,"decided_by":null,"redeemed":false,"gave_session":null,"gave_browser":null}');
CREATE TABLE codes (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "codes" VALUES(1,'4Zlc1afNGy5PG_cZJXndMpUuCWOnPpBhAHGXdw5ut6I','hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc',1790003660,'{"id":"4Zlc1afNGy5PG_cZJXndMpUuCWOnPpBhAHGXdw5ut6I","request":{"client_id":"web","application":"Payroll","redirect_uri":"https://web.example/callback","state":"the state","nonce":null,"code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},"account_id":"nQev-ZObomZDblc_I8NRQA","session":"hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc","expires_at":1790000060,"used":false}');
INSERT INTO "codes" VALUES(2,'5zZfjaMoEJEnKnG6PmtpSegNHF8cSWD5eyYNpYdQrNI','hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc',1790003660,'{"id":"5zZfjaMoEJEnKnG6PmtpSegNHF8cSWD5eyYNpYdQrNI","request":{"client_id":"web","application":"Payroll","redirect_uri":"https://web.example/callback","state":"the state","nonce":null,"code_challenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"},"account_id":"nQev-ZObomZDblc_I8NRQA","session":"hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc","expires_at":1790000060,"used":true}');
CREATE TABLE device_keys (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "device_keys" VALUES(1,'586c9atz6pPreTGkd3FnF26eIXTgcvfdDuSGMXhANtU','Ovx_yNU_hGfcSXYpEDafhw',NULL,'{"thumbprint":"586c9atz6pPreTGkd3FnF26eIXTgcvfdDuSGMXhANtU","device_id":"Ovx_yNU_hGfcSXYpEDafhw"}');
INSERT INTO "device_keys" VALUES(2,'Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g','BnRTWc_MitjwOsMMml_LvA',NULL,'{"thumbprint":"Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g","device_id":"BnRTWc_MitjwOsMMml_LvA"}');
INSERT INTO "device_keys" VALUES(3,'_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs','NPDaXkgpSy_B4trCQKnltg',NULL,'{"thumbprint":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","device_id":"NPDaXkgpSy_B4trCQKnltg"}');
INSERT INTO "device_keys" VALUES(4,'MoyxGI8SeN7EXjC6tUL_eTj7B2p8PDZYQx7XEV9I1mA','GT3MfPPAEwMsUgW7MsaREw',NULL,'{"thumbprint":"MoyxGI8SeN7EXjC6tUL_eTj7B2p8PDZYQx7XEV9I1mA","device_id":"GT3MfPPAEwMsUgW7MsaREw"}');
INSERT INTO "device_keys" VALUES(5,'FNTotPeVek-MEChStrtHEZ9__f_R0R6CnaCg3QzzSQw','oMSNC51BpUmSI8mMSjM8bw',NULL,'{"thumbprint":"FNTotPeVek-MEChStrtHEZ9__f_R0R6CnaCg3QzzSQw","device_id":"oMSNC51BpUmSI8mMSjM8bw"}');
INSERT INTO "device_keys" VALUES(6,'6uuEaX_87uMh4VKEtSDkENgjC0g7Evt6vliSnD7XSDE','MJ-xn3ZiKSIVf7CDyFVZ3g',NULL,'{"thumbprint":"6uuEaX_87uMh4VKEtSDkENgjC0g7Evt6vliSnD7XSDE","device_id":"MJ-xn3ZiKSIVf7CDyFVZ3g"}');
CREATE TABLE devices (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "devices" VALUES(1,'Ovx_yNU_hGfcSXYpEDafhw','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"id":"Ovx_yNU_hGfcSXYpEDafhw","account_id":"OmGtuDR04FGjy2rfR0gdbw","state":"active","key":{"kty":"EC","crv":"P-256","x":"cxA-wws8z1fargjpNTSu8USjWUDPa7uhKgz3y9XWWmQ","y":"2CyMmenTxF-SRbqbJ5gsmuqOwduUsZxEeVlCwOsiqjI"},"sign_in":null,"turned_off_at":null,"claimed":{"name":"Alice''s phone","model":"Model","os":"OS 1","app_version":"0.1.0"},"push":{"endpoint":"https://127.0.0.1/push","p256dh":"BGkmgeTZV3hr6ft_BkETUmOJ2rb_Ci3W3eQsXleb-ZbW6jPcUsixXJK2FyvgeB4zlgBmZQCIJ0rld-ZGXo_Pyuc","auth":"CQkJCQkJCQkJCQkJCQkJCQ"},"push_ended":false,"added_at":1790000000,"push_seen":false,"tested_at":null,"fetching":"qnGxb07nHGqTCxGXJvNyuw","last_network":["127.0.0.0/24",1790000000],"ends_at":null}');
INSERT INTO "devices" VALUES(2,'BnRTWc_MitjwOsMMml_LvA','nQev-ZObomZDblc_I8NRQA',NULL,'{"id":"BnRTWc_MitjwOsMMml_LvA","account_id":"nQev-ZObomZDblc_I8NRQA","state":"active","key":{"kty":"EC","crv":"P-256","x":"b_A7lJJBzh2t1DUZ5pYOCoW0GmmgXDKBA6orzhWUyhY","y":"PE91OlW_AdxT9sCwx-7ni0DG_30lqW4igrmJzvccFEo"},"sign_in":{"key":{"kty":"EC","crv":"P-256","x":"gwXqMAFnPk2O69oZ_RP6yfHnV_emueb5UtMh-uWa5dw","y":"nApU44H29UjVnyXyKhCoG-AHZ5J4itLsg8YzQ2Zdt6E"},"registered_at":1790000000},"turned_off_at":null,"claimed":{"name":"Alice''s phone","model":"Model","os":"OS 1","app_version":"0.1.0"},"push":{"endpoint":"https://127.0.0.1/push","p256dh":"BCA5SAYO_Wge2vfxq0nV9jHxEi0uDLRSos5UkEl7Mt8iU3K4C4blpxCmTotNkjGEFKF5R5uWgn8zed4kcWOUkIQ","auth":"CQkJCQkJCQkJCQkJCQkJCQ"},"push_ended":false,"added_at":1790000000,"push_seen":false,"tested_at":null,"fetching":"XzZJ7BhulCS4nQdQ1yJYBQ","last_network":["127.0.0.0/24",1790000000],"ends_at":null}');
INSERT INTO "devices" VALUES(3,'NPDaXkgpSy_B4trCQKnltg','VW40zdtEHUF_Y564GVCTWg',NULL,'{"id":"NPDaXkgpSy_B4trCQKnltg","account_id":"VW40zdtEHUF_Y564GVCTWg","state":"active","key":{"kty":"EC","crv":"P-256","x":"VQ9HEAPz35fD31Bqx5f2ch-xoft7j2-D0iRJimXIjiQ","y":"E2CT1wEuUJpzcVy9CwCjzA_0tcAbP_oZarH7MnA2uOY"},"sign_in":null,"turned_off_at":null,"claimed":{"name":"Alice''s phone","model":"Model","os":"OS 1","app_version":"0.1.0"},"push":{"endpoint":"https://127.0.0.1/push","p256dh":"BAu7xei8hL0z0dPOA_-smnR_TBmT_dsuyTpBFqhvAip3w8FxkVWaTCoapX55uNGXfaLJWRcvR440HicCjWn_-3s","auth":"CQkJCQkJCQkJCQkJCQkJCQ"},"push_ended":false,"added_at":1790000000,"push_seen":false,"tested_at":null,"fetching":"x1TeFCC-ePfErs0eEdjBVA","last_network":["127.0.0.0/24",1790000000],"ends_at":null}');
INSERT INTO "devices" VALUES(4,'GT3MfPPAEwMsUgW7MsaREw','VW40zdtEHUF_Y564GVCTWg',1824560000,'{"id":"GT3MfPPAEwMsUgW7MsaREw","account_id":"VW40zdtEHUF_Y564GVCTWg","state":{"removed":"not_my_phone"},"key":{"kty":"EC","crv":"P-256","x":"Qq2XHQN9GrK-384_F_l9utEgXqfMdaBP9YLdylagvzg","y":"H9ul5SQtUc52DyfAPhI3nYNy2cHJz5uqsdVYsRfHuQE"},"sign_in":null,"turned_off_at":null,"claimed":null,"push":null,"push_ended":false,"added_at":1790000000,"push_seen":false,"tested_at":null,"fetching":"5K6qhFrPXlE30HlM68ViGA","last_network":null,"ends_at":1824560000}');
INSERT INTO "devices" VALUES(5,'oMSNC51BpUmSI8mMSjM8bw','NXEt1vVWDHRXX9Cqgcrnjg',NULL,'{"id":"oMSNC51BpUmSI8mMSjM8bw","account_id":"NXEt1vVWDHRXX9Cqgcrnjg","state":"pending","key":{"kty":"EC","crv":"P-256","x":"OtqxXWYla_Fc1xYDWz8EFETlEv7R3WTUunVZfSDjZvE","y":"VG0skKg-uroBWVCZ5fP_u9M4THSU3mdZ_dXmXvrpzGc"},"sign_in":null,"turned_off_at":null,"claimed":{"name":"Alice''s phone","model":"Model","os":"OS 1","app_version":"0.1.0"},"push":{"endpoint":"https://127.0.0.1/push","p256dh":"BIrmIpYoGClLghD2uIwpc5756Ss5U8fgc6443eF49gMg_JdKMRt41oIFk84Rz_HvFH3KDSkRhqRdgj7lLU-uuGE","auth":"CQkJCQkJCQkJCQkJCQkJCQ"},"push_ended":false,"added_at":1790000000,"push_seen":false,"tested_at":null,"fetching":null,"last_network":["127.0.0.0/24",1790000000],"ends_at":null}');
INSERT INTO "devices" VALUES(6,'MJ-xn3ZiKSIVf7CDyFVZ3g','ZKnQhAGjzbZdf6-6Qc2BRA',NULL,'{"id":"MJ-xn3ZiKSIVf7CDyFVZ3g","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","state":"active","key":{"kty":"EC","crv":"P-256","x":"B4EOqXTOpXc-Y7iX83476aCeel_puXGkTRBlrCo6kxE","y":"Y35HpPmUZKD9zkSojsfXA6kYPB0GVS2eLWt2BpSBxXc"},"sign_in":null,"turned_off_at":null,"claimed":{"name":"Alice''s phone","model":"Model","os":"OS 1","app_version":"0.1.0"},"push":{"endpoint":"https://127.0.0.1/push","p256dh":"BJHlYGgAlh3HrqgteTwAKBrdV51bZyTt96W6rihfvHrr_ZyTBPlisUVXOxQZH64k_jqRKSBZP7t8wUGGszdISbc","auth":"CQkJCQkJCQkJCQkJCQkJCQ"},"push_ended":false,"added_at":1790000000,"push_seen":false,"tested_at":null,"fetching":"lmqbG3oRW2CXXk7_3hs4eA","last_network":["127.0.0.0/24",1790000000],"ends_at":null}');
CREATE TABLE enrollments (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "enrollments" VALUES(1,'83ff4Uz57aHgsENGjvxmTg','OmGtuDR04FGjy2rfR0gdbw',1790087000,'{"scanned":{"id":"83ff4Uz57aHgsENGjvxmTg","key":null,"wrong_macs":0},"typed":null,"typed_shown":null,"account_id":"OmGtuDR04FGjy2rfR0gdbw","session":"iYVS-66dYj7ZgY8jo_RDtBl_fOqbTSa_iLSKcOaKsN4","created_at":1790000000,"expires_at":1790000600,"state":"active","nonces":[],"bound_by":"83ff4Uz57aHgsENGjvxmTg","device_id":"Ovx_yNU_hGfcSXYpEDafhw","wrong_digits":0,"another_phone":false,"ceremony":null,"keys_document":1}');
INSERT INTO "enrollments" VALUES(2,'Gn0dG6BLrcYrZ8vIOEmpkA','nQev-ZObomZDblc_I8NRQA',1790087000,'{"scanned":{"id":"Gn0dG6BLrcYrZ8vIOEmpkA","key":null,"wrong_macs":0},"typed":null,"typed_shown":null,"account_id":"nQev-ZObomZDblc_I8NRQA","session":"CsR52cti66yZ5WjW1dwsGaVCNDSjK2IXYz24VzfQ-jw","created_at":1790000000,"expires_at":1790000600,"state":"active","nonces":[],"bound_by":"Gn0dG6BLrcYrZ8vIOEmpkA","device_id":"BnRTWc_MitjwOsMMml_LvA","wrong_digits":0,"another_phone":false,"ceremony":null,"keys_document":1}');
INSERT INTO "enrollments" VALUES(3,'qRv2nzI8rQ6oeLbZ9emTQQ','VW40zdtEHUF_Y564GVCTWg',1790087000,'{"scanned":{"id":"qRv2nzI8rQ6oeLbZ9emTQQ","key":null,"wrong_macs":0},"typed":null,"typed_shown":null,"account_id":"VW40zdtEHUF_Y564GVCTWg","session":"K9L0uVbDlH82q3IXytnU7XznDj8OqY_j7XdCYO14cJs","created_at":1790000000,"expires_at":1790000600,"state":"active","nonces":[],"bound_by":"qRv2nzI8rQ6oeLbZ9emTQQ","device_id":"NPDaXkgpSy_B4trCQKnltg","wrong_digits":0,"another_phone":false,"ceremony":null,"keys_document":1}');
INSERT INTO "enrollments" VALUES(4,'LAdalBvODXDhc1xbtzOZow','VW40zdtEHUF_Y564GVCTWg',1790087000,'{"scanned":{"id":"LAdalBvODXDhc1xbtzOZow","key":null,"wrong_macs":0},"typed":null,"typed_shown":null,"account_id":"VW40zdtEHUF_Y564GVCTWg","session":"qIDhUhkp1tY_8NWn2CrvXy87qgF1RViuh5B_uAfgaxc","created_at":1790000000,"expires_at":1790000600,"state":{"ended":"not_my_phone"},"nonces":[],"bound_by":"LAdalBvODXDhc1xbtzOZow","device_id":"GT3MfPPAEwMsUgW7MsaREw","wrong_digits":0,"another_phone":false,"ceremony":null,"keys_document":1}');
INSERT INTO "enrollments" VALUES(5,'ED-aTevNKCk9kMgHcpV7IQ','-lTxPPhNVx9Pm7dP9-9IQw',1790087000,'{"scanned":{"id":"ED-aTevNKCk9kMgHcpV7IQ","key":"ytxeisWr11do5g5FY6i64bLRc-UyFc7gLXthUbQFWTqt8DdEPSk48yJcIQ8","wrong_macs":0},"typed":{"id":"0W1Q","key":"9Z6PQZ6zrGWyN-vunpjnX_Ivxx7ivVzNMTsYbcfv4ydSmYEish5bnQs9fk_TBZVwF-uDiq9dVpcG95_B","wrong_macs":0},"typed_shown":"f7BcThTtsT6sdkPHxsy-Oc3R_Hpw96ZZZ3MrtzrrUs5TiVQUgME8pZgG","account_id":"-lTxPPhNVx9Pm7dP9-9IQw","session":"PjAf00OUOUTwHm_K7Dd77hcWvAf8LisI1nqrUhaJAso","created_at":1790000000,"expires_at":1790000600,"state":"open","nonces":[],"bound_by":null,"device_id":null,"wrong_digits":0,"another_phone":false,"ceremony":null,"keys_document":1}');
INSERT INTO "enrollments" VALUES(6,'qSbbEZtdJk-wSmbFd7LvpA','NXEt1vVWDHRXX9Cqgcrnjg',1790087000,'{"scanned":{"id":"qSbbEZtdJk-wSmbFd7LvpA","key":"dDKZMqMOjGQLz_gKcy6mEZrpEYBNob5hpsmu3pgsu2odmQ8552yfTodyLog","wrong_macs":0},"typed":null,"typed_shown":null,"account_id":"NXEt1vVWDHRXX9Cqgcrnjg","session":"o92SOjqjVYdQRUgzg2gwzjH4IxQ9N154s0aCZnDsQRg","created_at":1790000000,"expires_at":1790000600,"state":"bound","nonces":[],"bound_by":"qSbbEZtdJk-wSmbFd7LvpA","device_id":"oMSNC51BpUmSI8mMSjM8bw","wrong_digits":0,"another_phone":false,"ceremony":null,"keys_document":1}');
INSERT INTO "enrollments" VALUES(7,'aT2xqFd_aMq4sQJdoYfpKA','ZKnQhAGjzbZdf6-6Qc2BRA',1790087000,'{"scanned":{"id":"aT2xqFd_aMq4sQJdoYfpKA","key":null,"wrong_macs":0},"typed":null,"typed_shown":null,"account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","session":"NCsXQ7TzxMQpMnMXlFUAibaNH1Ai9FR_8T5JMqWCH4Y","created_at":1790000000,"expires_at":1790000600,"state":"active","nonces":[],"bound_by":"aT2xqFd_aMq4sQJdoYfpKA","device_id":"MJ-xn3ZiKSIVf7CDyFVZ3g","wrong_digits":0,"another_phone":false,"ceremony":null,"keys_document":1}');
CREATE TABLE groups (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "groups" VALUES(1,'bnGtMrBuTUZ1TktHSou4SA','groups',NULL,'{"id":"bnGtMrBuTUZ1TktHSou4SA","name":"Staff"}');
CREATE TABLE keys (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "keys" VALUES(1,'phone','',NULL,'{"name":"phone","scalar":"KDO7tTTFT65UEyFVajXAaHu1qfnZC4d7BEE-HthDEnInCSkEQ49GDDvBdZKRq1Tck-cUA8at3jixX5L1","chain":["eyJ0eXAiOiJwaG9uZS1rZXlzK2p3dCIsImFsZyI6IkVTMjU2Iiwia2lkIjoibnprXzlnY2ZySUVxMmp2NWFITDVISHYtclVNWndjT294NmI5VVdROC1VUSJ9.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiaWF0IjoxNzkwMDAwMDAwLCJzZXEiOjEsImtleXMiOlt7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoiZHk3VWFfaEsxeTh4bUFNazE4T2tVTXVGRlNfcE5qdkx2eU9OY3BtMGxOUSIsInkiOiJWa21IT1RGWGUtOHhqeDFCMk13ZG1FaXZFQ1NnMWF0TnNkam0yRFFzT3JVIn1dfQ.4OD31hli2NLiXbG_xxncdS1ShNgwZ0r1y5tkJDEFVg2BeoWc6TWtBRhbJH_HGmyV2y-bUPF7UYxHfFxmPJq1Vg"],"next":null,"since":1790000000}');
INSERT INTO "keys" VALUES(2,'id_token','',NULL,'{"name":"id_token","scalar":"JHzNsH08L8u7dAkOt-4HfRvaX1ILXEmLtsImBk9fPnkE4hdT9ypMHVSm0WsHlSJDto5v-G0yY_3xQ3Z-","chain":[],"next":null,"since":1790000000}');
INSERT INTO "keys" VALUES(3,'vapid','',NULL,'{"name":"vapid","scalar":"Ul0x7seCBPN4PHzSY4S9WsjnAPEnFwkIgxhPHPpIRqJwdPeDjBa7n_GGDUivFzNQY7pfohuiu3wvnIu5","chain":[],"next":null,"since":1790000000}');
CREATE TABLE known_browsers (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "known_browsers" VALUES(1,'9Zmsnas2d9NNLz6jZoYYhtPG06GIkrEktcup0x8awKw','OmGtuDR04FGjy2rfR0gdbw',1797776000,'{"id":"9Zmsnas2d9NNLz6jZoYYhtPG06GIkrEktcup0x8awKw","account_id":"OmGtuDR04FGjy2rfR0gdbw","expires_at":1797776000}');
INSERT INTO "known_browsers" VALUES(2,'p4iJOdbOQlyJziP5TMb5AJh-Bw0VV2JzKEa14-wp79k','nQev-ZObomZDblc_I8NRQA',1797776000,'{"id":"p4iJOdbOQlyJziP5TMb5AJh-Bw0VV2JzKEa14-wp79k","account_id":"nQev-ZObomZDblc_I8NRQA","expires_at":1797776000}');
INSERT INTO "known_browsers" VALUES(3,'0fKyhA0oTPtxgTDDZDRqJZEcFPLzV5bZVyXLz7mNNqQ','VW40zdtEHUF_Y564GVCTWg',1797776000,'{"id":"0fKyhA0oTPtxgTDDZDRqJZEcFPLzV5bZVyXLz7mNNqQ","account_id":"VW40zdtEHUF_Y564GVCTWg","expires_at":1797776000}');
INSERT INTO "known_browsers" VALUES(4,'sm9hZnrrR7SDFdGSB6DJbggUuBzW7SB32uPN7JmwGOk','ZKnQhAGjzbZdf6-6Qc2BRA',1797776000,'{"id":"sm9hZnrrR7SDFdGSB6DJbggUuBzW7SB32uPN7JmwGOk","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","expires_at":1797776000}');
CREATE TABLE limits (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "limits" VALUES(1,'page 0.0.0.0/24','',1790000002,'{"id":"page 0.0.0.0/24","left":999919.0,"at":1790000000,"full_at":1790000002}');
INSERT INTO "limits" VALUES(2,'phone 127.0.0.0/24','',1790000002,'{"id":"phone 127.0.0.0/24","left":999956.0,"at":1790000000,"full_at":1790000002}');
CREATE TABLE notices (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "notices" VALUES(1,'RbvX2QOu3B5J60EFNOPVsQ','NPDaXkgpSy_B4trCQKnltg',1792592000,'{"id":"RbvX2QOu3B5J60EFNOPVsQ","device_id":"NPDaXkgpSy_B4trCQKnltg","kind":"pass_created","at":1790000000}');
INSERT INTO "notices" VALUES(2,'bToUQgKnXAyCGhi1rtkQmw','NPDaXkgpSy_B4trCQKnltg',1792592000,'{"id":"bToUQgKnXAyCGhi1rtkQmw","device_id":"NPDaXkgpSy_B4trCQKnltg","kind":"new_browser","at":1790000000}');
CREATE TABLE number_sequences (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
CREATE TABLE passes (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "passes" VALUES(1,'oKvOQwFIs0wh41SUDJbh5uFJy0V9pfeYIJJ80tLxrn4','eaUZ9Ot44jL8v0idYdhYdw',1790090000,'{"id":"oKvOQwFIs0wh41SUDJbh5uFJy0V9pfeYIJJ80tLxrn4","account_id":"eaUZ9Ot44jL8v0idYdhYdw","starts_at":1790000000,"ends_at":1790003600,"used_at":null}');
INSERT INTO "passes" VALUES(2,'0elq3fsmpneaux282Nmz7T1J8T5RzFgS8jmcwm3m2K8','nfVdeC5z4Jas8qNBPn5yaw',1790090000,'{"id":"0elq3fsmpneaux282Nmz7T1J8T5RzFgS8jmcwm3m2K8","account_id":"nfVdeC5z4Jas8qNBPn5yaw","starts_at":1790000000,"ends_at":1790003600,"used_at":1790000000}');
INSERT INTO "passes" VALUES(3,'cluVkgpNK4wCRr8uP5MpgjoF40GmfhdxXAm3Tl68908','VW40zdtEHUF_Y564GVCTWg',1790090000,'{"id":"cluVkgpNK4wCRr8uP5MpgjoF40GmfhdxXAm3Tl68908","account_id":"VW40zdtEHUF_Y564GVCTWg","starts_at":1790000000,"ends_at":1790003600,"used_at":null}');
CREATE TABLE password_tries (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "password_tries" VALUES(1,'vOdeBwb5YPgb5pVVHsfJGT1NHnUyuwVzGQCCcG-kPGo','',1790003600,'{"id":"vOdeBwb5YPgb5pVVHsfJGT1NHnUyuwVzGQCCcG-kPGo","wrong":[],"expires_at":1790003600}');
INSERT INTO "password_tries" VALUES(2,'dKc6AuATFFLL4utttLvWbK9msQZ7TFmqjvfUOqy9Gk0','',1790003600,'{"id":"dKc6AuATFFLL4utttLvWbK9msQZ7TFmqjvfUOqy9Gk0","wrong":[],"expires_at":1790003600}');
INSERT INTO "password_tries" VALUES(3,'5QixqMGfzle3V6ITbKtN9dOkaI-ZGxusO0F51rIofaw','',1790003600,'{"id":"5QixqMGfzle3V6ITbKtN9dOkaI-ZGxusO0F51rIofaw","wrong":[],"expires_at":1790003600}');
INSERT INTO "password_tries" VALUES(4,'U0sni9yQnxJVShKPv-f_jePDetk_RzVQhSLv1-0ljOA','',1790003600,'{"id":"U0sni9yQnxJVShKPv-f_jePDetk_RzVQhSLv1-0ljOA","wrong":[],"expires_at":1790003600}');
INSERT INTO "password_tries" VALUES(5,'rEjw6E8iJpXky5oRSTmtBt9lEXFpekhBmEH8bunMivw','',1790003600,'{"id":"rEjw6E8iJpXky5oRSTmtBt9lEXFpekhBmEH8bunMivw","wrong":[],"expires_at":1790003600}');
INSERT INTO "password_tries" VALUES(6,'ZG4O9rl2BIF9hDnUbyLRNlWP_zkGnh7GSCTarqOfhTg','',1790003600,'{"id":"ZG4O9rl2BIF9hDnUbyLRNlWP_zkGnh7GSCTarqOfhTg","wrong":[],"expires_at":1790003600}');
INSERT INTO "password_tries" VALUES(7,'AwB48ccENhbK7HMrhX7B34GOj85rtG1OhuDWlkPOzUc','',1790003600,'{"id":"AwB48ccENhbK7HMrhX7B34GOj85rtG1OhuDWlkPOzUc","wrong":[],"expires_at":1790003600}');
INSERT INTO "password_tries" VALUES(8,'R88zkagqkKfzojZTsS7UbNLDnHi5XlsyHWW9oso4o7A','',1790003600,'{"id":"R88zkagqkKfzojZTsS7UbNLDnHi5XlsyHWW9oso4o7A","wrong":[],"expires_at":1790003600}');
INSERT INTO "password_tries" VALUES(9,'-SSzyMkguGiavd2k6OStL9mZZ0qDDnIBhnph420P6jI','',1790003600,'{"id":"-SSzyMkguGiavd2k6OStL9mZZ0qDDnIBhnph420P6jI","wrong":[],"expires_at":1790003600}');
CREATE TABLE people (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "people" VALUES(1,'nQev-ZObomZDblc_I8NRQA','',NULL,'{"account_id":"nQev-ZObomZDblc_I8NRQA","user_name":"alice","display_name":"Alice","password":"$argon2id$v=19$m=19456,t=2,p=1$jUTH4Sqd2HyBU1VKWMYWeg$pTaeCTxZtVRszx29CFjCEjiePBNcU6ymtG7zn9tLbPE","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":["bnGtMrBuTUZ1TktHSou4SA"],"is_administrator":false,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(2,'VW40zdtEHUF_Y564GVCTWg','',NULL,'{"account_id":"VW40zdtEHUF_Y564GVCTWg","user_name":"bob","display_name":"Bob","password":"$argon2id$v=19$m=19456,t=2,p=1$K7pr6XRqU+gJzaxpIGaMRg$Mem6BIDIi7DqHdOV2Ps9iD53iQVJ1HBCnRKMmlg8ICQ","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":1790000000,"groups":[],"is_administrator":false,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(3,'-lTxPPhNVx9Pm7dP9-9IQw','',NULL,'{"account_id":"-lTxPPhNVx9Pm7dP9-9IQw","user_name":"carol","display_name":"Carol","password":"$argon2id$v=19$m=19456,t=2,p=1$xXMn4wIeWgY7J5eJ58yuaw$8w06NBNsVdmodsyuBZ82kotpzMFZw4P5NQwX7BsrIoQ","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":false,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(4,'OmGtuDR04FGjy2rfR0gdbw','',NULL,'{"account_id":"OmGtuDR04FGjy2rfR0gdbw","user_name":"dave","display_name":"Dave","password":"$argon2id$v=19$m=19456,t=2,p=1$UdACGBp9K8OnqSCkebXKGQ$kBvlPPgryNwr152rjVoBN0qVXaVH6K/s+5HPZ5Lmg2o","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":true,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(5,'ZKnQhAGjzbZdf6-6Qc2BRA','',NULL,'{"account_id":"ZKnQhAGjzbZdf6-6Qc2BRA","user_name":"erin","display_name":"Erin","password":"$argon2id$v=19$m=19456,t=2,p=1$JEsCp9j3TKcMp+RABxQJfQ$nATw5bJu0m9rimTxgbjq6VdxOSsaooBSBJi31+wTW6s","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":false,"suspended":true,"must_change_password":false}');
INSERT INTO "people" VALUES(6,'eaUZ9Ot44jL8v0idYdhYdw','',NULL,'{"account_id":"eaUZ9Ot44jL8v0idYdhYdw","user_name":"frank","display_name":"Frank","password":"$argon2id$v=19$m=19456,t=2,p=1$SEXoVZRsdg8vRj11PIjCCg$R53EVecPAMTyaPb5jP9fgbazkd32GVBKEYG7sTOci44","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":false,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(7,'nfVdeC5z4Jas8qNBPn5yaw','',NULL,'{"account_id":"nfVdeC5z4Jas8qNBPn5yaw","user_name":"grace","display_name":"Grace","password":"$argon2id$v=19$m=19456,t=2,p=1$C+/2PEjQIibb+66qBU3G1w$cFLX2uThOYbivac3jwQ1DFnI5VBbA19RJmYJ+aPEYt4","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":false,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(8,'NXEt1vVWDHRXX9Cqgcrnjg','',NULL,'{"account_id":"NXEt1vVWDHRXX9Cqgcrnjg","user_name":"heidi","display_name":"Heidi","password":"$argon2id$v=19$m=19456,t=2,p=1$syuWFdezOVb7PDOpnI7GLg$WAx39+YLWlS78UdEZSLOX3NtdFvnKmGjRC4h0vklRsA","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":false,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(9,'jvgPAqQTmVEuDhyECzLhkg','',NULL,'{"account_id":"jvgPAqQTmVEuDhyECzLhkg","user_name":"ivan","display_name":"Ivan","password":"$argon2id$v=19$m=19456,t=2,p=1$k08WiA3k02NgB986z7BsEQ$UNUfCzZOecb1mHHTh5VAMr8nAfd7oJuJ9WRzbhyPi2c","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":false,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(10,'_V642Jv7jYKtcOcVPRyCIA','',NULL,'{"account_id":"_V642Jv7jYKtcOcVPRyCIA","user_name":"judy","display_name":"Judy","password":"$argon2id$v=19$m=19456,t=2,p=1$lNakk5pHiNTTIYwtReBDKQ$se16VmTnWamxN9b8OagaSkTVBcS3LPVYU9m4J9oCFfI","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":false,"suspended":false,"must_change_password":false}');
INSERT INTO "people" VALUES(11,'8SnDksw_bSzt1dqBIoy4nQ','',NULL,'{"account_id":"8SnDksw_bSzt1dqBIoy4nQ","user_name":"kim","display_name":"Kim","password":"$argon2id$v=19$m=19456,t=2,p=1$f8qDKq5Wx/0xavMwrbOT+A$CUIIugqWO9Fw5VbUuoe+a7UZYrTkBxGdd6E3NpXDUyk","password_changed_at":1790000000,"unblocked_at":0,"opened_at":0,"reported_at":null,"groups":[],"is_administrator":false,"suspended":false,"must_change_password":false}');
CREATE TABLE phone_tokens (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "phone_tokens" VALUES(1,'RmerbSaTf_iF6X1-q9aKPGX6DkqyA2OSFP_8UNoDqQY','_V642Jv7jYKtcOcVPRyCIA',1790087000,'{"id":"RmerbSaTf_iF6X1-q9aKPGX6DkqyA2OSFP_8UNoDqQY","account_id":"_V642Jv7jYKtcOcVPRyCIA","jkt":"r2GDdhnvugso-JIHG4VDro5BKhNgBFFXYNjXhg98pUk","expires_at":1790000600,"added":null,"keys_document":1}');
CREATE TABLE policy (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "policy" VALUES(1,'policy','',NULL,'{"id":"policy","policy":{"state":"enabled","isSoftwareOathEnabled":true,"includeTargets":[{"targetType":"group","id":"all_users","isRegistrationRequired":false,"authenticationMode":"any"}],"excludeTargets":[],"featureSettings":{"displayAppInformationRequiredState":{"state":"default","includeTarget":{"targetType":"group","id":"all_users"}},"displayLocationInformationRequiredState":{"state":"default","includeTarget":{"targetType":"group","id":"all_users"}},"numberMatchingRequiredState":{"state":"enabled","includeTarget":{"targetType":"group","id":"bnGtMrBuTUZ1TktHSou4SA"}}},"countersign":{"bootstrap":"password","proximity":"warn","unknownOrigins":"usual","keyGuard":"biometric_or_credential","attestation":"none","accountsOnPhone":3}},"changed_at":1790000000,"changed_by":"OmGtuDR04FGjy2rfR0gdbw"}');
CREATE TABLE prompts (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "prompts" VALUES(1,'GYCfw5Zmqb4t2ou918LgyA','b3dVNPPoHywhPB-mzb21lQ',1790172800,'{"jti":"GYCfw5Zmqb4t2ou918LgyA","ceremony":"b3dVNPPoHywhPB-mzb21lQ","device_id":"Ovx_yNU_hGfcSXYpEDafhw","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiT3Z4X3lOVV9oR2ZjU1hZcEVEYWZodyIsInN1YiI6Ik9tR3R1RFIwNEZHankycmZSMGdkYnciLCJqdGkiOiJHWUNmdzVabXFiNHQyb3U5MThMZ3lBIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJjb25maXJtX2Vucm9sbWVudCIsImtleSI6ImRldmljZSIsIm9yaWdpbiI6InNpZ25lZF9pbiIsIm1hdGNoIjp7Im1vZGUiOiJlbnRlciIsImRpZ2l0cyI6Mn0sImNvbnRleHQiOnsiYXBwbGljYXRpb24iOiJTZWN1cml0eSBpbmZvIiwiYnJvd3NlciI6Im90aGVyIiwib3MiOiJvdGhlciIsImFkZHJlc3MiOiIwLjAuMC4wIiwicGxhY2UiOm51bGwsIm5lYXIiOm51bGx9fQ.KrnxrOs7QhJ3nNDG1q1F0EKP56ImG0uf77RZ8Yam4yqDOc1gYSZKJtN7hTSXnTuo0tWAKSyDTn60W0QUJO8luw","answered_with":"device","key":"586c9atz6pPreTGkd3FnF26eIXTgcvfdDuSGMXhANtU","created_at":1790000000,"answer":["9d6WQo461O9MZrDtSVah_wdA8_7B4fNks6HSDuL2Hvc","approved"]}');
INSERT INTO "prompts" VALUES(2,'iAp6d5MFjNp7dKP0Lm-yBQ','pusBaPwet_EdnR69HPlaVQ',1790172800,'{"jti":"iAp6d5MFjNp7dKP0Lm-yBQ","ceremony":"pusBaPwet_EdnR69HPlaVQ","device_id":"BnRTWc_MitjwOsMMml_LvA","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiQm5SVFdjX01pdGp3T3NNTW1sX0x2QSIsInN1YiI6Im5RZXYtWk9ib21aRGJsY19JOE5SUUEiLCJqdGkiOiJpQXA2ZDVNRmpOcDdkS1AwTG0teUJRIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJjb25maXJtX2Vucm9sbWVudCIsImtleSI6ImRldmljZSIsIm9yaWdpbiI6InNpZ25lZF9pbiIsIm1hdGNoIjp7Im1vZGUiOiJlbnRlciIsImRpZ2l0cyI6Mn0sImNvbnRleHQiOnsiYXBwbGljYXRpb24iOiJTZWN1cml0eSBpbmZvIiwiYnJvd3NlciI6Im90aGVyIiwib3MiOiJvdGhlciIsImFkZHJlc3MiOiIwLjAuMC4wIiwicGxhY2UiOm51bGwsIm5lYXIiOmZhbHNlfX0.SosfXejJZF2oyBt7-fmLozstu2_vic1IwLpp770vYO9sBrHl4AyhTGBxd5JKyabCFIHZtdQPZUbes0slk9GW1g","answered_with":"device","key":"Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g","created_at":1790000000,"answer":["Y6i-jf92xfz1gWq0uzjUKvBZb9pXPfbgc6uTqFNxjFo","approved"]}');
INSERT INTO "prompts" VALUES(3,'wR51eeKTRznJS74nCOeYbQ','dnr_ygK_ITXsmekdHiZFAw',1790172800,'{"jti":"wR51eeKTRznJS74nCOeYbQ","ceremony":"dnr_ygK_ITXsmekdHiZFAw","device_id":"BnRTWc_MitjwOsMMml_LvA","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiQm5SVFdjX01pdGp3T3NNTW1sX0x2QSIsInN1YiI6Im5RZXYtWk9ib21aRGJsY19JOE5SUUEiLCJqdGkiOiJ3UjUxZWVLVFJ6bkpTNzRuQ09lWWJRIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJyZWdpc3Rlcl9kZXZpY2UiLCJrZXkiOiJkZXZpY2UiLCJvcmlnaW4iOiJrbm93bl9icm93c2VyIiwibWF0Y2giOnsibW9kZSI6ImVudGVyIiwiZGlnaXRzIjoyfSwiY29udGV4dCI6eyJhcHBsaWNhdGlvbiI6InBob25lIHNpZ24taW4gb24geW91ciBwaG9uZSIsImJyb3dzZXIiOiJvdGhlciIsIm9zIjoib3RoZXIiLCJhZGRyZXNzIjoiMC4wLjAuMCIsInBsYWNlIjpudWxsLCJuZWFyIjpmYWxzZX19.2-ExNxY0MpItNJcxTaiReTIm7S31APiRaHqBzjOKd5BcqIuz0N8ltKIyjDqTEaVi1CPTJvpYSlQqcOW2-XBhlw","answered_with":"device","key":"Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g","created_at":1790000000,"answer":["AJh-RJiWW5P0a_Irn5Lsj7jjs_5FhuhjY-0s1xYoqBQ","approved"]}');
INSERT INTO "prompts" VALUES(4,'ksx_t4Jgr106n-LjdO_0Ng','q6I6usVZ43_vwIL5rLGZgA',1790172800,'{"jti":"ksx_t4Jgr106n-LjdO_0Ng","ceremony":"q6I6usVZ43_vwIL5rLGZgA","device_id":"BnRTWc_MitjwOsMMml_LvA","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiQm5SVFdjX01pdGp3T3NNTW1sX0x2QSIsInN1YiI6Im5RZXYtWk9ib21aRGJsY19JOE5SUUEiLCJqdGkiOiJrc3hfdDRKZ3IxMDZuLUxqZE9fME5nIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAxMjAsImtpbmQiOiJwaG9uZV9zaWduX2luIiwia2V5Ijoic2lnbl9pbiIsIm9yaWdpbiI6Imtub3duX2Jyb3dzZXIiLCJtYXRjaCI6eyJtb2RlIjoiZW50ZXIiLCJkaWdpdHMiOjJ9LCJjb250ZXh0Ijp7ImFwcGxpY2F0aW9uIjoiU2VjdXJpdHkgaW5mbyIsImJyb3dzZXIiOiJvdGhlciIsIm9zIjoib3RoZXIiLCJhZGRyZXNzIjoiMC4wLjAuMCIsInBsYWNlIjpudWxsLCJuZWFyIjpmYWxzZX19.9fHdSxzqHWzdL7J5suKLY_afSYyaH6v8N6m5k624Og_LJO4ETw8nntpk1c5OwoVqp33oT_nA_6GvhEH86Qvvyg","answered_with":"sign_in","key":"v0g-0iU-YBHSshhvtCDAmNtDBwJygFEdK_kyyzwBvSc","created_at":1790000000,"answer":["3wKu0W4SfyRY4w52iGbd2XMZXjv61XYkHDAT033RqtM","approved"]}');
INSERT INTO "prompts" VALUES(5,'8WEWEfbGDIm1vVAlkRu3-g','g8Ub8C7h5JpT12rDArfHvg',1790172800,'{"jti":"8WEWEfbGDIm1vVAlkRu3-g","ceremony":"g8Ub8C7h5JpT12rDArfHvg","device_id":"NPDaXkgpSy_B4trCQKnltg","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTlBEYVhrZ3BTeV9CNHRyQ1FLbmx0ZyIsInN1YiI6IlZXNDB6ZHRFSFVGX1k1NjRHVkNUV2ciLCJqdGkiOiI4V0VXRWZiR0RJbTF2VkFsa1J1My1nIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJjb25maXJtX2Vucm9sbWVudCIsImtleSI6ImRldmljZSIsIm9yaWdpbiI6InNpZ25lZF9pbiIsIm1hdGNoIjp7Im1vZGUiOiJlbnRlciIsImRpZ2l0cyI6Mn0sImNvbnRleHQiOnsiYXBwbGljYXRpb24iOiJTZWN1cml0eSBpbmZvIiwiYnJvd3NlciI6Im90aGVyIiwib3MiOiJvdGhlciIsImFkZHJlc3MiOiIwLjAuMC4wIiwicGxhY2UiOm51bGwsIm5lYXIiOmZhbHNlfX0.MfqksW_f-3kgjp1K-2krgEKTDbO_krRmTlox_UQ8TYqgiAkiX_GiccoEuQVaRp1NyzoDqE8KG5nBXmQL0KPt2g","answered_with":"device","key":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","created_at":1790000000,"answer":["vy2RfCkK4F9jl2ZkNqsRSJjP_WdGx1M93U_TOqPR0w0","approved"]}');
INSERT INTO "prompts" VALUES(6,'jjOsEw0YlCcWqd64mCE2Qg','dUJzVwQEe7SwFzm5Xeooig',1790172800,'{"jti":"jjOsEw0YlCcWqd64mCE2Qg","ceremony":"dUJzVwQEe7SwFzm5Xeooig","device_id":"NPDaXkgpSy_B4trCQKnltg","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTlBEYVhrZ3BTeV9CNHRyQ1FLbmx0ZyIsInN1YiI6IlZXNDB6ZHRFSFVGX1k1NjRHVkNUV2ciLCJqdGkiOiJqak9zRXcwWWxDY1dxZDY0bUNFMlFnIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAxMjAsImtpbmQiOiJzZWNvbmRfZmFjdG9yIiwia2V5IjoiZGV2aWNlIiwib3JpZ2luIjoia25vd25fYnJvd3NlciIsIm1hdGNoIjp7Im1vZGUiOiJjaG9vc2UiLCJvcHRpb25zIjpbIjMyIiwiNzciLCI5NCJdfSwiY29udGV4dCI6eyJhcHBsaWNhdGlvbiI6IlNlY3VyaXR5IGluZm8iLCJicm93c2VyIjoib3RoZXIiLCJvcyI6Im90aGVyIiwiYWRkcmVzcyI6IjAuMC4wLjAiLCJwbGFjZSI6bnVsbCwibmVhciI6ZmFsc2V9fQ.9zQqGEmQVYKh9rjacmB9HH2Ug1UDjDwIHZDalz90NuL5qCznVhEJctTnJ1Tx-1HhE8iTh0AT_PmZ38-dkGwNHQ","answered_with":"device","key":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","created_at":1790000000,"answer":["eqbkoIpP8pyuZ8RDBjQDANFfwHX793I2iMI7SoXKuQQ","approved"]}');
INSERT INTO "prompts" VALUES(7,'1jeGXVkx2aYZsOhFPaTPfw','hCPbNGeau4coGn0ZmcfAIA',1790172800,'{"jti":"1jeGXVkx2aYZsOhFPaTPfw","ceremony":"hCPbNGeau4coGn0ZmcfAIA","device_id":"NPDaXkgpSy_B4trCQKnltg","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTlBEYVhrZ3BTeV9CNHRyQ1FLbmx0ZyIsInN1YiI6IlZXNDB6ZHRFSFVGX1k1NjRHVkNUV2ciLCJqdGkiOiIxamVHWFZreDJhWVpzT2hGUGFUUGZ3IiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJjcmVhdGVfcGFzcyIsImtleSI6ImRldmljZSIsIm9yaWdpbiI6InNpZ25lZF9pbiIsIm1hdGNoIjp7Im1vZGUiOiJlbnRlciIsImRpZ2l0cyI6Mn0sImNvbnRleHQiOnsiYXBwbGljYXRpb24iOiJTZWN1cml0eSBpbmZvIiwiYnJvd3NlciI6Im90aGVyIiwib3MiOiJvdGhlciIsImFkZHJlc3MiOiIwLjAuMC4wIiwicGxhY2UiOm51bGwsIm5lYXIiOmZhbHNlfX0.nXyXhcJVaPrmLcaIEuXKuouBf6QvRilvUBbPqHEAq_XfWO7no85QrpkCr1odWv19bcNo0QT9E1a5kWwguWBh-A","answered_with":"device","key":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","created_at":1790000000,"answer":["qQo8IDyOat0cxdGuqcileH0A6r3D9t3u4rUzcziH7wY","approved"]}');
INSERT INTO "prompts" VALUES(8,'bdrCcRkH65qDp7kKFUalWg','knlsE8Q8ohYTGGt7IgtNjA',1790172800,'{"jti":"bdrCcRkH65qDp7kKFUalWg","ceremony":"knlsE8Q8ohYTGGt7IgtNjA","device_id":"NPDaXkgpSy_B4trCQKnltg","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTlBEYVhrZ3BTeV9CNHRyQ1FLbmx0ZyIsInN1YiI6IlZXNDB6ZHRFSFVGX1k1NjRHVkNUV2ciLCJqdGkiOiJiZHJDY1JrSDY1cURwN2tLRlVhbFdnIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJhZGRfbWV0aG9kIiwia2V5IjoiZGV2aWNlIiwib3JpZ2luIjoic2lnbmVkX2luIiwibWF0Y2giOnsibW9kZSI6ImVudGVyIiwiZGlnaXRzIjoyfSwiY29udGV4dCI6eyJhcHBsaWNhdGlvbiI6IlNlY3VyaXR5IGluZm8iLCJicm93c2VyIjoib3RoZXIiLCJvcyI6Im90aGVyIiwiYWRkcmVzcyI6IjAuMC4wLjAiLCJwbGFjZSI6bnVsbCwibmVhciI6ZmFsc2V9fQ.2EQ__LcsclgltnV2_k3rPrIaQUsOxCCPMmjon3kC6NugxQtkz5F23vXUQUIn8Jgh7YaOn4TTjvbeU_kjlvZL4A","answered_with":"device","key":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","created_at":1790000000,"answer":["y3YjRYyBJfV7Hb1oHvABx7gi4WyfWYdga18xSATlRPg","approved"]}');
INSERT INTO "prompts" VALUES(9,'9WXBgDbHdVIGWxLZMBqpWA','gN7z4eSEGERDTserOWF5rQ',1790172800,'{"jti":"9WXBgDbHdVIGWxLZMBqpWA","ceremony":"gN7z4eSEGERDTserOWF5rQ","device_id":"NPDaXkgpSy_B4trCQKnltg","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTlBEYVhrZ3BTeV9CNHRyQ1FLbmx0ZyIsInN1YiI6IlZXNDB6ZHRFSFVGX1k1NjRHVkNUV2ciLCJqdGkiOiI5V1hCZ0RiSGRWSUdXeExaTUJxcFdBIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJyZWdpc3Rlcl9kZXZpY2UiLCJrZXkiOiJkZXZpY2UiLCJvcmlnaW4iOiJrbm93bl9icm93c2VyIiwibWF0Y2giOnsibW9kZSI6ImNob29zZSIsIm9wdGlvbnMiOlsiMTYiLCIxOCIsIjI5Il19LCJjb250ZXh0Ijp7ImFwcGxpY2F0aW9uIjoicGhvbmUgc2lnbi1pbiBvbiB5b3VyIHBob25lIiwiYnJvd3NlciI6Im90aGVyIiwib3MiOiJvdGhlciIsImFkZHJlc3MiOiIwLjAuMC4wIiwicGxhY2UiOm51bGwsIm5lYXIiOmZhbHNlfX0.5SgKsOIxsuAkZ50Lhsv3rjxIAEh_WXs6BY3vFpvH8mMZecfvqwKzfrPhRf55hSrC9uhrdP7Pmo0spKMQB-QVxg","answered_with":"device","key":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","created_at":1790000000,"answer":["aMMpJvPsYayYeKbNEoyKTvl2KWWjhTGdqLlhjDmIle0","approved"]}');
INSERT INTO "prompts" VALUES(10,'GckRrmJFj54RHGS37bBU2g','QUlyO6-fMedZKoIUvEYlww',1790172800,'{"jti":"GckRrmJFj54RHGS37bBU2g","ceremony":"QUlyO6-fMedZKoIUvEYlww","device_id":"NPDaXkgpSy_B4trCQKnltg","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTlBEYVhrZ3BTeV9CNHRyQ1FLbmx0ZyIsInN1YiI6IlZXNDB6ZHRFSFVGX1k1NjRHVkNUV2ciLCJqdGkiOiJHY2tScm1KRmo1NFJIR1MzN2JCVTJnIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJyZWdpc3Rlcl9kZXZpY2UiLCJrZXkiOiJkZXZpY2UiLCJvcmlnaW4iOiJrbm93bl9icm93c2VyIiwibWF0Y2giOnsibW9kZSI6ImNob29zZSIsIm9wdGlvbnMiOlsiNTYiLCI2NSIsIjkxIl19LCJjb250ZXh0Ijp7ImFwcGxpY2F0aW9uIjoicGhvbmUgc2lnbi1pbiBvbiB5b3VyIHBob25lIiwiYnJvd3NlciI6Im90aGVyIiwib3MiOiJvdGhlciIsImFkZHJlc3MiOiIwLjAuMC4wIiwicGxhY2UiOm51bGwsIm5lYXIiOmZhbHNlfX0.-_bOnL8-rXp9TjbjSAHLTgdKEJmVnBISPYuUbqKvmp0M3XNF2-o11tCH8s6kme5zYD9LnYrqUdRE3j8KewFoYw","answered_with":"device","key":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","created_at":1790000000,"answer":["0tOUJQBbrUISZBrlCwkT-gpaGo0c3oZH30WnUeYFKTg","approved"]}');
INSERT INTO "prompts" VALUES(11,'UGypC62jZAfpx4jSH7pqlQ','-ATl7niyUurjxysICWG57A',1790172800,'{"jti":"UGypC62jZAfpx4jSH7pqlQ","ceremony":"-ATl7niyUurjxysICWG57A","device_id":"NPDaXkgpSy_B4trCQKnltg","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTlBEYVhrZ3BTeV9CNHRyQ1FLbmx0ZyIsInN1YiI6IlZXNDB6ZHRFSFVGX1k1NjRHVkNUV2ciLCJqdGkiOiJVR3lwQzYyalpBZnB4NGpTSDdwcWxRIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAxMjAsImtpbmQiOiJzZWNvbmRfZmFjdG9yIiwia2V5IjoiZGV2aWNlIiwib3JpZ2luIjoicGFzc3dvcmRfcHJvdmVkIiwibWF0Y2giOnsibW9kZSI6ImVudGVyIiwiZGlnaXRzIjoyfSwiY29udGV4dCI6eyJhcHBsaWNhdGlvbiI6IlNlY3VyaXR5IGluZm8iLCJicm93c2VyIjoib3RoZXIiLCJvcyI6Im90aGVyIiwiYWRkcmVzcyI6IjAuMC4wLjAiLCJwbGFjZSI6bnVsbCwibmVhciI6ZmFsc2V9fQ.4cH2sQLzcPDwDPFxLA3CyD2ykBSIBhqOYJRbEhP-Jzsjdf8c1rItH1bppdNZA_Qecm24-CVAtVvDFknGacxyOw","answered_with":"device","key":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","created_at":1790000000,"answer":["z3lWIURuB4MMrUNjFrisC7nsBNnx2fcmC938x5XGDm4","denied"]}');
INSERT INTO "prompts" VALUES(12,'Etnol77VW3ns6vgr_gIoew','wRnBRmaQW5I3ihm8QiHRVg',1790172800,'{"jti":"Etnol77VW3ns6vgr_gIoew","ceremony":"wRnBRmaQW5I3ihm8QiHRVg","device_id":"NPDaXkgpSy_B4trCQKnltg","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTlBEYVhrZ3BTeV9CNHRyQ1FLbmx0ZyIsInN1YiI6IlZXNDB6ZHRFSFVGX1k1NjRHVkNUV2ciLCJqdGkiOiJFdG5vbDc3VlczbnM2dmdyX2dJb2V3IiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAxMjAsImtpbmQiOiJzZWNvbmRfZmFjdG9yIiwia2V5IjoiZGV2aWNlIiwib3JpZ2luIjoicGFzc3dvcmRfcHJvdmVkIiwibWF0Y2giOnsibW9kZSI6ImVudGVyIiwiZGlnaXRzIjoyfSwiY29udGV4dCI6eyJhcHBsaWNhdGlvbiI6IlNlY3VyaXR5IGluZm8iLCJicm93c2VyIjoib3RoZXIiLCJvcyI6Im90aGVyIiwiYWRkcmVzcyI6IjAuMC4wLjAiLCJwbGFjZSI6bnVsbCwibmVhciI6ZmFsc2V9fQ.u7HuBKGmaR9t0u9KcfKvYp9u3fPxFiv8fT1mKMW-coqNRAXIgjTP74Eh7dFY5chFyTNVavpXKaLfOqUYxlqCNw","answered_with":"device","key":"_dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs","created_at":1790000000,"answer":["SmfW8Y-FVSkYL4Ov7wsVMMJZWHGCE7vZABWDDJJ2064","approved"]}');
INSERT INTO "prompts" VALUES(13,'ct4LZcXPf9xmM1goBv6kYg','E-lMy8PG9MaeW0p9Z_u7uw',1790172800,'{"jti":"ct4LZcXPf9xmM1goBv6kYg","ceremony":"E-lMy8PG9MaeW0p9Z_u7uw","device_id":"MJ-xn3ZiKSIVf7CDyFVZ3g","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiTUoteG4zWmlLU0lWZjdDRHlGVlozZyIsInN1YiI6IlpLblFoQUdqemJaZGY2LTZRYzJCUkEiLCJqdGkiOiJjdDRMWmNYUGY5eG1NMWdvQnY2a1lnIiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsImtpbmQiOiJjb25maXJtX2Vucm9sbWVudCIsImtleSI6ImRldmljZSIsIm9yaWdpbiI6InNpZ25lZF9pbiIsIm1hdGNoIjp7Im1vZGUiOiJlbnRlciIsImRpZ2l0cyI6Mn0sImNvbnRleHQiOnsiYXBwbGljYXRpb24iOiJTZWN1cml0eSBpbmZvIiwiYnJvd3NlciI6Im90aGVyIiwib3MiOiJvdGhlciIsImFkZHJlc3MiOiIwLjAuMC4wIiwicGxhY2UiOm51bGwsIm5lYXIiOmZhbHNlfX0.Cf8FT1MeyjKVRPbvZ5R6xVJ_OirUWvqTdBIUFLi9qhhUpP-FgWMCpCd4hmkXimWzyuZJUBlrrH_Od812vfv-AQ","answered_with":"device","key":"6uuEaX_87uMh4VKEtSDkENgjC0g7Evt6vliSnD7XSDE","created_at":1790000000,"answer":["ijjeHT0xoG870-Qv1KViaEwY_oho1LlgI5npeVopssI","approved"]}');
INSERT INTO "prompts" VALUES(14,'abKDNoc7N94-djUsT7QuVw','J43ceW7ajk4ZjZenxXPMqQ',1790172800,'{"jti":"abKDNoc7N94-djUsT7QuVw","ceremony":"J43ceW7ajk4ZjZenxXPMqQ","device_id":"BnRTWc_MitjwOsMMml_LvA","jws":"eyJ0eXAiOiJwaG9uZS1wcm9tcHQrand0IiwiYWxnIjoiRVMyNTYiLCJraWQiOiJuemtfOWdjZnJJRXEyanY1YUhMNUhIdi1yVU1ad2NPb3g2YjlVV1E4LVVRIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIiwiYXVkIjoiQm5SVFdjX01pdGp3T3NNTW1sX0x2QSIsInN1YiI6Im5RZXYtWk9ib21aRGJsY19JOE5SUUEiLCJqdGkiOiJhYktETm9jN045NC1kalVzVDdRdVZ3IiwiaWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAxMjAsImtpbmQiOiJzZWNvbmRfZmFjdG9yIiwia2V5IjoiZGV2aWNlIiwib3JpZ2luIjoicGFzc3dvcmRfcHJvdmVkIiwibWF0Y2giOnsibW9kZSI6ImVudGVyIiwiZGlnaXRzIjoyfSwiY29udGV4dCI6eyJhcHBsaWNhdGlvbiI6IlNlY3VyaXR5IGluZm8iLCJicm93c2VyIjoib3RoZXIiLCJvcyI6Im90aGVyIiwiYWRkcmVzcyI6IjAuMC4wLjAiLCJwbGFjZSI6bnVsbCwibmVhciI6ZmFsc2V9fQ.oto9dYHrDZmCYfrqPWKTuZFxkr29yTzcBjD_KljjhxLl6AU-yA9av_Kk6NHF2amzGdHD-D-8mTdGoqEKyEcGiQ","answered_with":"device","key":"Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g","created_at":1790000000,"answer":null}');
CREATE TABLE registration_codes (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "registration_codes" VALUES(1,'D3y3KL6-pE_vAXBsPLXA7grvk5dBDc5rfaeSFBLmWEw','nQev-ZObomZDblc_I8NRQA',1790003660,'{"id":"D3y3KL6-pE_vAXBsPLXA7grvk5dBDc5rfaeSFBLmWEw","registration":{"id":"IyYI_6j_RGR5vDxBTlw5RIDhHK81K_5iyl40XBA7tnw","redirect_uri":"http://127.0.0.1:40000/phone-sign-in","state":"AAAAAAAAAAAAAAAAAAAAAA","code_challenge":"S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs","purpose":{"turn_on":{"device_id":"BnRTWc_MitjwOsMMml_LvA"}},"account_id":"nQev-ZObomZDblc_I8NRQA","expires_at":1790000600},"expires_at":1790000060,"token":"-eUXjnksWwqxIJ_endfSHwzJXg4NO0OxvuEQ962o3uQ"}');
INSERT INTO "registration_codes" VALUES(2,'fYRFkqKUklRSsuDu_d0qObyUyqjIHio9ZWq-Kpzu6D0','VW40zdtEHUF_Y564GVCTWg',1790003660,'{"id":"fYRFkqKUklRSsuDu_d0qObyUyqjIHio9ZWq-Kpzu6D0","registration":{"id":"A3-SSAVLmknzmF1UoZL_rrV0xhbRcJSso6Gvc9xHqxo","redirect_uri":"http://127.0.0.1:40000/phone-sign-in","state":"AAAAAAAAAAAAAAAAAAAAAA","code_challenge":"S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs","purpose":{"turn_on":{"device_id":"NPDaXkgpSy_B4trCQKnltg"}},"account_id":"VW40zdtEHUF_Y564GVCTWg","expires_at":1790000600},"expires_at":1790000060,"token":null}');
INSERT INTO "registration_codes" VALUES(3,'KXO3McLaaqAiACNSVb5Twm7lkLcOy_2ufh8ZzLG2iZ0','VW40zdtEHUF_Y564GVCTWg',1790003660,'{"id":"KXO3McLaaqAiACNSVb5Twm7lkLcOy_2ufh8ZzLG2iZ0","registration":{"id":"utb8mpoIFzivPlN35Ukw3__KdJQqYbK_2iSuQv2YIN8","redirect_uri":"http://127.0.0.1:40000/phone-sign-in","state":"AAAAAAAAAAAAAAAAAAAAAA","code_challenge":"S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs","purpose":{"turn_on":{"device_id":"NPDaXkgpSy_B4trCQKnltg"}},"account_id":"VW40zdtEHUF_Y564GVCTWg","expires_at":1790000600},"expires_at":1790000060,"token":"EjtdhE7uli7UKbMdoRDoPGv7p0JOPjXHDM3Gx17EI9E"}');
INSERT INTO "registration_codes" VALUES(4,'CwSsSS_UN9Z3MnBI7cLmpiXRHIn0wUegNJIByIZG_Vw','_V642Jv7jYKtcOcVPRyCIA',1790003660,'{"id":"CwSsSS_UN9Z3MnBI7cLmpiXRHIn0wUegNJIByIZG_Vw","registration":{"id":"BvxWm7dFJgAxhtoyRkZO3JdQXJxsiEaZo5O1_MIdEHs","redirect_uri":"http://127.0.0.1:40000/phone-sign-in","state":"AAAAAAAAAAAAAAAAAAAAAA","code_challenge":"S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs","purpose":{"add_phone":{"jkt":"r2GDdhnvugso-JIHG4VDro5BKhNgBFFXYNjXhg98pUk","name":"Alice''s phone","model":"Model","digits":"1J7OpziTNRRCtUdiO9zsAaxPlU8r6wD_KLigdh2YtxY","wrong_digits":0}},"account_id":"_V642Jv7jYKtcOcVPRyCIA","expires_at":1790000600},"expires_at":1790000060,"token":"RmerbSaTf_iF6X1-q9aKPGX6DkqyA2OSFP_8UNoDqQY"}');
INSERT INTO "registration_codes" VALUES(5,'HU9BQVYNbr7lmoWdqIWXDRcqNmGv2cSUWoxSTNgbRf8','8SnDksw_bSzt1dqBIoy4nQ',1790003660,'{"id":"HU9BQVYNbr7lmoWdqIWXDRcqNmGv2cSUWoxSTNgbRf8","registration":{"id":"72Y646l-eW_pA36CQwb5zyORJA8mU4G4_o_15XzZ2rY","redirect_uri":"http://127.0.0.1:40000/phone-sign-in","state":"AAAAAAAAAAAAAAAAAAAAAA","code_challenge":"S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs","purpose":{"add_phone":{"jkt":"rGQp6rRfO0HPhPeAVHebkFhkEXJ7_VsXnxfrODb1XGU","name":"Alice''s phone","model":"Model","digits":"OAVfMQn3oG0C-ajcOp3a-MwNXlgZZMqzOJ6tXl1yPS0","wrong_digits":0}},"account_id":"8SnDksw_bSzt1dqBIoy4nQ","expires_at":1790000600},"expires_at":1790000060,"token":null}');
CREATE TABLE registration_tokens (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "registration_tokens" VALUES(1,'-eUXjnksWwqxIJ_endfSHwzJXg4NO0OxvuEQ962o3uQ','nQev-ZObomZDblc_I8NRQA',1790087000,'{"id":"-eUXjnksWwqxIJ_endfSHwzJXg4NO0OxvuEQ962o3uQ","device_id":"BnRTWc_MitjwOsMMml_LvA","account_id":"nQev-ZObomZDblc_I8NRQA","nonce":"FpqrLpfD2EMPH2X4BwozS9owR6HU4obKcdxx8Mu7ILA","nonce_expires_at":1790000300,"expires_at":1790000600,"spent_by":"7r62d436L1IMYD7cpZZ7lpHlyfzlcGVejvMxsreKQP8"}');
INSERT INTO "registration_tokens" VALUES(2,'EjtdhE7uli7UKbMdoRDoPGv7p0JOPjXHDM3Gx17EI9E','VW40zdtEHUF_Y564GVCTWg',1790087000,'{"id":"EjtdhE7uli7UKbMdoRDoPGv7p0JOPjXHDM3Gx17EI9E","device_id":"NPDaXkgpSy_B4trCQKnltg","account_id":"VW40zdtEHUF_Y564GVCTWg","nonce":"UCq5jOH37-xWMrdInHSzK2RHC98pRkhBExavhJSbVH4","nonce_expires_at":1790000300,"expires_at":1790000600,"spent_by":null}');
CREATE TABLE registrations (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "registrations" VALUES(1,'b5SUFahiCGPPANmQV-dRtxbEppaIPZa-Ttsd7J_Jwjg','VW40zdtEHUF_Y564GVCTWg',1790000600,'{"id":"b5SUFahiCGPPANmQV-dRtxbEppaIPZa-Ttsd7J_Jwjg","redirect_uri":"http://127.0.0.1:40000/phone-sign-in","state":"AAAAAAAAAAAAAAAAAAAAAA","code_challenge":"S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs","purpose":{"turn_on":{"device_id":"NPDaXkgpSy_B4trCQKnltg"}},"account_id":"VW40zdtEHUF_Y564GVCTWg","expires_at":1790000600}');
INSERT INTO "registrations" VALUES(2,'3VVxRdqlJgwQ9i0ZsrZMxpqmZndKumYiRmb1Znc7aKM','',1790000600,'{"id":"3VVxRdqlJgwQ9i0ZsrZMxpqmZndKumYiRmb1Znc7aKM","redirect_uri":"http://127.0.0.1:40000/phone-sign-in","state":"AAAAAAAAAAAAAAAAAAAAAA","code_challenge":"S6xMLfJrdwhXm9EJRqmQw6nyYWcpLlPsCEOqmhPUIcs","purpose":{"add_phone":{"jkt":"y6fiM-wp30TPQmazKqlzbw8GNgLMnsBCYZWMnWrMn2o","name":"Alice''s phone","model":"Model","digits":"qTByw1C6lRRZSXZ7W0KDens5C0EXbwkC__e92aDZdZg","wrong_digits":0}},"account_id":null,"expires_at":1790000600}');
CREATE TABLE request_ids (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "request_ids" VALUES(1,'Ovx_yNU_hGfcSXYpEDafhw EXbedVziKvxsR-fwvlI3ZQ','',1790000300,'{"id":"Ovx_yNU_hGfcSXYpEDafhw EXbedVziKvxsR-fwvlI3ZQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(2,'BnRTWc_MitjwOsMMml_LvA b8Bi4j6a0kjxhHopLhZRXg','',1790000300,'{"id":"BnRTWc_MitjwOsMMml_LvA b8Bi4j6a0kjxhHopLhZRXg","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(3,'dpop Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g vBoYvRKca3E40XvNiIpECw','',1790000300,'{"id":"dpop Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g vBoYvRKca3E40XvNiIpECw","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(4,'BnRTWc_MitjwOsMMml_LvA lJfKFHfcX7lIYF9nBOkKiQ','',1790000300,'{"id":"BnRTWc_MitjwOsMMml_LvA lJfKFHfcX7lIYF9nBOkKiQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(5,'dpop Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g aAnrwcVmU63z4oxqtqsYig','',1790000300,'{"id":"dpop Nrqg3-M_Xwtx-1tbtc1J7Xul2DyeC0bUSy9u_5NSG6g aAnrwcVmU63z4oxqtqsYig","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(6,'BnRTWc_MitjwOsMMml_LvA 9bMwW4x283q92e5d1egqQQ','',1790000300,'{"id":"BnRTWc_MitjwOsMMml_LvA 9bMwW4x283q92e5d1egqQQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(7,'BnRTWc_MitjwOsMMml_LvA YtOv_f0k-u5MgLp_0-epYQ','',1790000300,'{"id":"BnRTWc_MitjwOsMMml_LvA YtOv_f0k-u5MgLp_0-epYQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(8,'NPDaXkgpSy_B4trCQKnltg olN83UzKUGKBqdxXrhX_jQ','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg olN83UzKUGKBqdxXrhX_jQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(9,'NPDaXkgpSy_B4trCQKnltg NXozGGozjXPeCAomxxi1jQ','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg NXozGGozjXPeCAomxxi1jQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(10,'NPDaXkgpSy_B4trCQKnltg necjciZyJgoOwpuodcxEVg','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg necjciZyJgoOwpuodcxEVg","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(11,'NPDaXkgpSy_B4trCQKnltg -R3pcXIrwwH0bl1p64WTjw','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg -R3pcXIrwwH0bl1p64WTjw","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(12,'dpop _dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs xnLAQ96kjf0Fu7Mq22inog','',1790000300,'{"id":"dpop _dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs xnLAQ96kjf0Fu7Mq22inog","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(13,'NPDaXkgpSy_B4trCQKnltg uYcP6B0FSVNdg75NYNJYKQ','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg uYcP6B0FSVNdg75NYNJYKQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(14,'dpop _dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs qjHTmm3GrkifWObCjPIU8A','',1790000300,'{"id":"dpop _dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs qjHTmm3GrkifWObCjPIU8A","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(15,'NPDaXkgpSy_B4trCQKnltg wYjnX-cRUXHD6InvxKC0yQ','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg wYjnX-cRUXHD6InvxKC0yQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(16,'dpop _dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs 2yOFFTKCGdPSKgXPvFBU3Q','',1790000300,'{"id":"dpop _dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs 2yOFFTKCGdPSKgXPvFBU3Q","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(17,'dpop _dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs eSUEHBL5bUQ5KPrxOZ6TgQ','',1790000300,'{"id":"dpop _dW8A-GLXVqbPP-vIvMJwYatEeWuGKu-mPxI1ZmIkTs eSUEHBL5bUQ5KPrxOZ6TgQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(18,'NPDaXkgpSy_B4trCQKnltg Cwr70RTldfHwL3kJaa36Bg','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg Cwr70RTldfHwL3kJaa36Bg","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(19,'NPDaXkgpSy_B4trCQKnltg clBKqz0ksLqIMw9astZG2w','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg clBKqz0ksLqIMw9astZG2w","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(20,'NPDaXkgpSy_B4trCQKnltg aBnqQ8g_9XkGc_qSsxlhxw','',1790000300,'{"id":"NPDaXkgpSy_B4trCQKnltg aBnqQ8g_9XkGc_qSsxlhxw","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(21,'MJ-xn3ZiKSIVf7CDyFVZ3g NOYRA4tIw8GteR16D7nGnQ','',1790000300,'{"id":"MJ-xn3ZiKSIVf7CDyFVZ3g NOYRA4tIw8GteR16D7nGnQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(22,'dpop wn8-axFKnOFEnnaYJBgkGYUyDjm328I-jp-j7aegW-k cdGzHlP7SwSdgJC5dkqZFg','',1790000300,'{"id":"dpop wn8-axFKnOFEnnaYJBgkGYUyDjm328I-jp-j7aegW-k cdGzHlP7SwSdgJC5dkqZFg","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(23,'dpop r2GDdhnvugso-JIHG4VDro5BKhNgBFFXYNjXhg98pUk 1j2k9lLfGLdcCF7-ypEsKQ','',1790000300,'{"id":"dpop r2GDdhnvugso-JIHG4VDro5BKhNgBFFXYNjXhg98pUk 1j2k9lLfGLdcCF7-ypEsKQ","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(24,'dpop r2GDdhnvugso-JIHG4VDro5BKhNgBFFXYNjXhg98pUk Vz4Pp5zX4O0rYQG4didnGg','',1790000300,'{"id":"dpop r2GDdhnvugso-JIHG4VDro5BKhNgBFFXYNjXhg98pUk Vz4Pp5zX4O0rYQG4didnGg","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(25,'dpop rGQp6rRfO0HPhPeAVHebkFhkEXJ7_VsXnxfrODb1XGU AJuTUK1TOPiIMX6G5lClig','',1790000300,'{"id":"dpop rGQp6rRfO0HPhPeAVHebkFhkEXJ7_VsXnxfrODb1XGU AJuTUK1TOPiIMX6G5lClig","expires_at":1790000300}');
INSERT INTO "request_ids" VALUES(26,'dpop y6fiM-wp30TPQmazKqlzbw8GNgLMnsBCYZWMnWrMn2o RuEoasEPC6GZQTEHfdm9bQ','',1790000300,'{"id":"dpop y6fiM-wp30TPQmazKqlzbw8GNgLMnsBCYZWMnWrMn2o RuEoasEPC6GZQTEHfdm9bQ","expires_at":1790000300}');
CREATE TABLE sessions (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "sessions" VALUES(1,'iYVS-66dYj7ZgY8jo_RDtBl_fOqbTSa_iLSKcOaKsN4','OmGtuDR04FGjy2rfR0gdbw',1790028800,'{"id":"iYVS-66dYj7ZgY8jo_RDtBl_fOqbTSa_iLSKcOaKsN4","account_id":"OmGtuDR04FGjy2rfR0gdbw","expires_at":1790028800,"authenticated_at":1790000000,"used":"password_and_phone","approved_at":1790000000,"enrollment":"83ff4Uz57aHgsENGjvxmTg","ceremony":"b3dVNPPoHywhPB-mzb21lQ","change":null,"may_add_at":null,"request":null}');
INSERT INTO "sessions" VALUES(2,'hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc','nQev-ZObomZDblc_I8NRQA',1790028800,'{"id":"hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc","account_id":"nQev-ZObomZDblc_I8NRQA","expires_at":1790028800,"authenticated_at":1790000000,"used":"phone","approved_at":1790000000,"enrollment":null,"ceremony":null,"change":null,"may_add_at":null,"request":null}');
INSERT INTO "sessions" VALUES(3,'qIDhUhkp1tY_8NWn2CrvXy87qgF1RViuh5B_uAfgaxc','VW40zdtEHUF_Y564GVCTWg',1790028800,'{"id":"qIDhUhkp1tY_8NWn2CrvXy87qgF1RViuh5B_uAfgaxc","account_id":"VW40zdtEHUF_Y564GVCTWg","expires_at":1790028800,"authenticated_at":1790000000,"used":"password_and_phone","approved_at":1790000000,"enrollment":"LAdalBvODXDhc1xbtzOZow","ceremony":null,"change":null,"may_add_at":1790000000,"request":null}');
INSERT INTO "sessions" VALUES(4,'PjAf00OUOUTwHm_K7Dd77hcWvAf8LisI1nqrUhaJAso','-lTxPPhNVx9Pm7dP9-9IQw',1790028800,'{"id":"PjAf00OUOUTwHm_K7Dd77hcWvAf8LisI1nqrUhaJAso","account_id":"-lTxPPhNVx9Pm7dP9-9IQw","expires_at":1790028800,"authenticated_at":1790000000,"used":"password","approved_at":null,"enrollment":"ED-aTevNKCk9kMgHcpV7IQ","ceremony":null,"change":null,"may_add_at":null,"request":null}');
INSERT INTO "sessions" VALUES(5,'o92SOjqjVYdQRUgzg2gwzjH4IxQ9N154s0aCZnDsQRg','NXEt1vVWDHRXX9Cqgcrnjg',1790028800,'{"id":"o92SOjqjVYdQRUgzg2gwzjH4IxQ9N154s0aCZnDsQRg","account_id":"NXEt1vVWDHRXX9Cqgcrnjg","expires_at":1790028800,"authenticated_at":1790000000,"used":"password","approved_at":null,"enrollment":"qSbbEZtdJk-wSmbFd7LvpA","ceremony":null,"change":null,"may_add_at":null,"request":null}');
INSERT INTO "sessions" VALUES(6,'ubWUV-hkGBA62jihiILSOGHhYUh0HRq6woDzqx1bTUw','nfVdeC5z4Jas8qNBPn5yaw',1790028800,'{"id":"ubWUV-hkGBA62jihiILSOGHhYUh0HRq6woDzqx1bTUw","account_id":"nfVdeC5z4Jas8qNBPn5yaw","expires_at":1790028800,"authenticated_at":1790000000,"used":"pass","approved_at":null,"enrollment":null,"ceremony":null,"change":null,"may_add_at":1790000000,"request":null}');
CREATE TABLE tokens (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "tokens" VALUES(1,'ypQQeRyXNHImOzOxfA2PdYQqj3RqEph1VoSCfHgLJwU','hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc',1790000600,'{"id":"ypQQeRyXNHImOzOxfA2PdYQqj3RqEph1VoSCfHgLJwU","session":"hnolL6VWiIrMIjwiwJMqK9KTTDKe5qaiGh-DJ4HHcLc","code":"5zZfjaMoEJEnKnG6PmtpSegNHF8cSWD5eyYNpYdQrNI","account_id":"nQev-ZObomZDblc_I8NRQA","expires_at":1790000600}');
CREATE TABLE typed_ids (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "typed_ids" VALUES(1,'0W1Q','ED-aTevNKCk9kMgHcpV7IQ',1790000600,'{"id":"0W1Q","enrollment":"ED-aTevNKCk9kMgHcpV7IQ","expires_at":1790000600}');
CREATE TABLE used_keys (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "used_keys" VALUES(1,'v0g-0iU-YBHSshhvtCDAmNtDBwJygFEdK_kyyzwBvSc','BnRTWc_MitjwOsMMml_LvA',NULL,'{"thumbprint":"v0g-0iU-YBHSshhvtCDAmNtDBwJygFEdK_kyyzwBvSc","device_id":"BnRTWc_MitjwOsMMml_LvA","at":1790000000}');
CREATE TABLE user_names (
                number INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
                parent TEXT NOT NULL,
                expires_at INTEGER,
                body TEXT NOT NULL
            ) STRICT;
INSERT INTO "user_names" VALUES(1,'alice','nQev-ZObomZDblc_I8NRQA',NULL,'{"name":"alice","account_id":"nQev-ZObomZDblc_I8NRQA"}');
INSERT INTO "user_names" VALUES(2,'bob','VW40zdtEHUF_Y564GVCTWg',NULL,'{"name":"bob","account_id":"VW40zdtEHUF_Y564GVCTWg"}');
INSERT INTO "user_names" VALUES(3,'carol','-lTxPPhNVx9Pm7dP9-9IQw',NULL,'{"name":"carol","account_id":"-lTxPPhNVx9Pm7dP9-9IQw"}');
INSERT INTO "user_names" VALUES(4,'dave','OmGtuDR04FGjy2rfR0gdbw',NULL,'{"name":"dave","account_id":"OmGtuDR04FGjy2rfR0gdbw"}');
INSERT INTO "user_names" VALUES(5,'erin','ZKnQhAGjzbZdf6-6Qc2BRA',NULL,'{"name":"erin","account_id":"ZKnQhAGjzbZdf6-6Qc2BRA"}');
INSERT INTO "user_names" VALUES(6,'frank','eaUZ9Ot44jL8v0idYdhYdw',NULL,'{"name":"frank","account_id":"eaUZ9Ot44jL8v0idYdhYdw"}');
INSERT INTO "user_names" VALUES(7,'grace','nfVdeC5z4Jas8qNBPn5yaw',NULL,'{"name":"grace","account_id":"nfVdeC5z4Jas8qNBPn5yaw"}');
INSERT INTO "user_names" VALUES(8,'heidi','NXEt1vVWDHRXX9Cqgcrnjg',NULL,'{"name":"heidi","account_id":"NXEt1vVWDHRXX9Cqgcrnjg"}');
INSERT INTO "user_names" VALUES(9,'ivan','jvgPAqQTmVEuDhyECzLhkg',NULL,'{"name":"ivan","account_id":"jvgPAqQTmVEuDhyECzLhkg"}');
INSERT INTO "user_names" VALUES(10,'judy','_V642Jv7jYKtcOcVPRyCIA',NULL,'{"name":"judy","account_id":"_V642Jv7jYKtcOcVPRyCIA"}');
INSERT INTO "user_names" VALUES(11,'kim','8SnDksw_bSzt1dqBIoy4nQ',NULL,'{"name":"kim","account_id":"8SnDksw_bSzt1dqBIoy4nQ"}');
CREATE INDEX people_by_parent ON people (parent);
CREATE INDEX people_by_end ON people (expires_at);
CREATE INDEX user_names_by_parent ON user_names (parent);
CREATE INDEX user_names_by_end ON user_names (expires_at);
CREATE INDEX sessions_by_parent ON sessions (parent);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX attempts_by_parent ON attempts (parent);
CREATE INDEX attempts_by_end ON attempts (expires_at);
CREATE INDEX known_browsers_by_parent ON known_browsers (parent);
CREATE INDEX known_browsers_by_end ON known_browsers (expires_at);
CREATE INDEX enrollments_by_parent ON enrollments (parent);
CREATE INDEX enrollments_by_end ON enrollments (expires_at);
CREATE INDEX typed_ids_by_parent ON typed_ids (parent);
CREATE INDEX typed_ids_by_end ON typed_ids (expires_at);
CREATE INDEX devices_by_parent ON devices (parent);
CREATE INDEX devices_by_end ON devices (expires_at);
CREATE INDEX ceremonies_by_parent ON ceremonies (parent);
CREATE INDEX ceremonies_by_end ON ceremonies (expires_at);
CREATE INDEX prompts_by_parent ON prompts (parent);
CREATE INDEX prompts_by_end ON prompts (expires_at);
CREATE INDEX request_ids_by_parent ON request_ids (parent);
CREATE INDEX request_ids_by_end ON request_ids (expires_at);
CREATE INDEX codes_by_parent ON codes (parent);
CREATE INDEX codes_by_end ON codes (expires_at);
CREATE INDEX tokens_by_parent ON tokens (parent);
CREATE INDEX tokens_by_end ON tokens (expires_at);
CREATE INDEX audit_by_parent ON audit (parent);
CREATE INDEX audit_by_end ON audit (expires_at);
CREATE INDEX keys_by_parent ON keys (parent);
CREATE INDEX keys_by_end ON keys (expires_at);
CREATE INDEX registrations_by_parent ON registrations (parent);
CREATE INDEX registrations_by_end ON registrations (expires_at);
CREATE INDEX registration_codes_by_parent ON registration_codes (parent);
CREATE INDEX registration_codes_by_end ON registration_codes (expires_at);
CREATE INDEX registration_tokens_by_parent ON registration_tokens (parent);
CREATE INDEX registration_tokens_by_end ON registration_tokens (expires_at);
CREATE INDEX used_keys_by_parent ON used_keys (parent);
CREATE INDEX used_keys_by_end ON used_keys (expires_at);
CREATE INDEX device_keys_by_parent ON device_keys (parent);
CREATE INDEX device_keys_by_end ON device_keys (expires_at);
CREATE INDEX number_sequences_by_parent ON number_sequences (parent);
CREATE INDEX number_sequences_by_end ON number_sequences (expires_at);
CREATE INDEX notices_by_parent ON notices (parent);
CREATE INDEX notices_by_end ON notices (expires_at);
CREATE INDEX policy_by_parent ON policy (parent);
CREATE INDEX policy_by_end ON policy (expires_at);
CREATE INDEX groups_by_parent ON groups (parent);
CREATE INDEX groups_by_end ON groups (expires_at);
CREATE INDEX api_tokens_by_parent ON api_tokens (parent);
CREATE INDEX api_tokens_by_end ON api_tokens (expires_at);
CREATE INDEX passes_by_parent ON passes (parent);
CREATE INDEX passes_by_end ON passes (expires_at);
CREATE INDEX phone_tokens_by_parent ON phone_tokens (parent);
CREATE INDEX phone_tokens_by_end ON phone_tokens (expires_at);
CREATE INDEX limits_by_parent ON limits (parent);
CREATE INDEX limits_by_end ON limits (expires_at);
CREATE INDEX password_tries_by_parent ON password_tries (parent);
CREATE INDEX password_tries_by_end ON password_tries (expires_at);
COMMIT;
PRAGMA user_version = 1;
